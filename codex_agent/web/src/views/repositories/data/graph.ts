// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { i32, i64, json, u32, unpack } from "../../../api/columns";
import { checked } from "../../../api/envelope";
import { Problem } from "../../../api/problem";

/** Stands for "not there" in a column of places. */
export const NONE = 0xffffffff;

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));

const About = v.object({
  birth: v.optional(v.union([v.string(), v.number()])),
  generation: natural,
  total: natural,
  branches: v.array(v.string()),
  authors: v.array(v.tuple([v.string(), v.string()])),
});
const Run = v.object({ first: natural, count: natural });

export interface Author {
  readonly name: string;
  readonly email: string;
}

/**
 * Commits as columns, parents before children: the place of a parent is always the smaller one.
 * Those of commit `n` are `parents[start[n]]` to `parents[start[n + 1] - 1]`, NONE where they are not here yet.
 */
export interface Graph {
  readonly count: number;
  /** How many there will be; `count` is less while they arrive. */
  readonly total: number;
  readonly generation: number;
  /** The number by which the host knows each commit, rising. */
  readonly number: Uint32Array;
  /** Seconds since 1970; NaN where the commit has no time that can be read. */
  readonly time: Float64Array;
  readonly author: Uint32Array;
  readonly branch: Uint32Array;
  /** The longest way to a root, in commits. */
  readonly depth: Uint32Array;
  readonly start: Uint32Array;
  readonly parents: Uint32Array;
  /** The id of each commit, side by side. */
  readonly oid: Uint8Array;
  readonly authors: readonly Author[];
  readonly branches: readonly string[];
}

interface Part {
  readonly number: Uint32Array;
  readonly time: Float64Array;
  readonly author: Uint32Array;
  readonly branch: Uint32Array;
  readonly depth: Uint32Array;
  readonly parents: Uint32Array;
  readonly back: Uint32Array;
  readonly oid: Uint8Array;
}

function column(columns: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, name: string): Uint8Array<ArrayBuffer> {
  const found = columns.get(name);
  if (found === undefined) throw new Problem("format", "columns", `The host sent no column ${name}.`);
  return found;
}

function concatenated<T extends Uint8Array | Uint32Array | Float64Array>(empty: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    empty.set(part, at);
    at += part.length;
  }
  return empty;
}

/** The place of a number in a rising column; NONE where it is not in it. */
export function placeOf(numbers: Uint32Array, wanted: number): number {
  const first = numbers[0];
  if (first === undefined) return NONE;
  // Nearly always there are no gaps, and the place is a subtraction.
  if (numbers[wanted - first] === wanted) return wanted - first;
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted ? low : NONE;
}

/** Puts the runs of the host's stream together. The newest arrive first, so that a part is a history by itself. */
export class GraphBuilder {
  #about: v.InferOutput<typeof About> | null = null;
  /** The newest first, as they came. */
  readonly #parts: Part[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds one run. Throws Problem where it is not one. */
  add(run: Uint8Array<ArrayBuffer>): void {
    const columns = unpack(run);
    const about = columns.get("about");
    if (about !== undefined) this.#about = checked(json(about), About);
    if (this.#about === null) throw new Problem("format", "columns", "The host's columns do not say what they are of.");
    const given = columns.get("run");
    // An empty history is a run that only says what it is of.
    if (given === undefined) return;
    const { first, count } = checked(json(given), Run);
    if (count === 0) return;
    const part = {
      number: numbersOf(columns, first, count),
      time: i64(column(columns, "time")),
      author: u32(column(columns, "author")),
      branch: u32(column(columns, "branch")),
      depth: risen(i32(column(columns, "rise"))),
      parents: u32(column(columns, "parents")),
      back: u32(column(columns, "back")),
      oid: column(columns, "oid"),
    };
    const { number, time, author, branch, depth, parents } = part;
    if ([number, time, author, branch, depth, parents].some((each) => each.length !== count))
      throw new Problem("format", "columns", "The host sent columns of different lengths.");
    if (part.oid.length !== count * 20 && part.oid.length !== count * 32)
      throw new Problem("format", "columns", "The host sent ids that are neither SHA-1 nor SHA-256.");
    if (parents.reduce((sum, each) => sum + each, 0) !== part.back.length)
      throw new Problem("format", "columns", "The host sent parents that no commit has.");
    this.#parts.push(part);
    this.#count += count;
  }

  /** The history as far as it is here: its newest part, in new arrays. */
  graph(): Graph {
    const about = this.#about ?? { generation: 0, total: 0, branches: [], authors: [] };
    const parts = [...this.#parts].reverse();
    const number = concatenated(
      new Uint32Array(this.#count),
      parts.map((part) => part.number),
    );
    return {
      count: this.#count,
      total: Math.max(about.total, this.#count),
      generation: about.generation,
      number,
      time: concatenated(
        new Float64Array(this.#count),
        parts.map((part) => part.time),
      ),
      author: concatenated(
        new Uint32Array(this.#count),
        parts.map((part) => part.author),
      ),
      branch: concatenated(
        new Uint32Array(this.#count),
        parts.map((part) => part.branch),
      ),
      depth: concatenated(
        new Uint32Array(this.#count),
        parts.map((part) => part.depth),
      ),
      ...linked(number, parts),
      oid: concatenated(
        new Uint8Array(parts.reduce((sum, part) => sum + part.oid.length, 0)),
        parts.map((part) => part.oid),
      ),
      authors: about.authors.map(([name, email]) => ({ name, email })),
      branches: about.branches,
    };
  }
}

function numbersOf(columns: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, first: number, count: number): Uint32Array {
  const given = columns.get("number");
  return given === undefined ? Uint32Array.from({ length: count }, (_, at) => first + at) : u32(given);
}

function risen(rise: Int32Array): Uint32Array {
  const found = new Uint32Array(rise.length);
  let depth = 0;
  for (let at = 0; at < rise.length; at += 1) {
    depth += rise[at] ?? 0;
    found[at] = depth;
  }
  return found;
}

function linked(number: Uint32Array, parts: readonly Part[]): Pick<Graph, "start" | "parents"> {
  const start = new Uint32Array(number.length + 1);
  const parents = new Uint32Array(parts.reduce((sum, part) => sum + part.back.length, 0));
  let commit = 0;
  let link = 0;
  for (const part of parts) {
    let back = 0;
    for (const count of part.parents) {
      for (let nth = 0; nth < count; nth += 1) {
        parents[link] = placeOf(number, (number[commit] ?? 0) - (part.back[back] ?? 0));
        link += 1;
        back += 1;
      }
      commit += 1;
      start[commit] = link;
    }
  }
  return { start, parents };
}
