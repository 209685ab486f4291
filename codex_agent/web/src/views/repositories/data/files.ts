// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { json, u32, unpack } from "../../../api/columns";
import { checked } from "../../../api/envelope";
import { Problem } from "../../../api/problem";
import { placeOf, type Graph } from "./graph";

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const About = v.object({ lines: v.boolean(), reason: v.nullable(v.string()), paths: natural });
const Run = v.object({ first: natural, count: natural });

/** For counts of a file that has no lines. */
const BINARY = 0xffffffff;

interface Part {
  readonly first: number;
  readonly state: Uint8Array;
  readonly count: Uint32Array;
  readonly path: Uint32Array;
  readonly status: Uint8Array;
  readonly old: Uint32Array | null;
  readonly added: Uint32Array | null;
  readonly deleted: Uint32Array | null;
}

/** One file of one commit. Line counts are null where they are not known, or the file has none. */
export interface Touch {
  readonly number: number;
  readonly path: number;
  readonly status: number;
  readonly old: number | null;
  readonly added: number | null;
  readonly deleted: number | null;
}

/** Which files each commit changed, by the numbers that the host gives commits. */
export class Files {
  /** What each path is called; its place is its number. */
  readonly paths: readonly string[];
  /** Whether lines are counted, and why not. */
  readonly lines: boolean;
  readonly reason: string | null;
  readonly #parts: readonly Part[];

  constructor(about: v.InferOutput<typeof About>, paths: readonly string[], parts: readonly Part[]) {
    this.paths = paths;
    this.lines = about.lines;
    this.reason = about.reason;
    // The oldest first.
    this.#parts = [...parts].sort((a, b) => a.first - b.first);
  }

  /** Calls `see` with every change, the oldest commit first. */
  each(see: (touch: Touch) => void): void {
    for (const part of this.#parts) {
      let row = 0;
      part.count.forEach((count, at) => {
        for (let nth = 0; nth < count; nth += 1) {
          const [path = 0, status = 0] = [part.path[row], part.status[row]];
          const { added, deleted, old } = part;
          see({
            number: part.first + at,
            path,
            status,
            old: known(old?.[row]),
            added: known(added?.[row]),
            deleted: known(deleted?.[row]),
          });
          row += 1;
        }
      });
    }
  }

  /** One byte a commit: 1 where it changes `path` or something below it ("" for anything), in one of the ways given. */
  touching(graph: Graph, path: string, kinds: readonly string[]): Uint8Array {
    const found = new Uint8Array(graph.count);
    const below = `${path.replace(/\/+$/, "")}/`;
    const wanted = Uint8Array.from(this.paths, (each) =>
      path === "" || each === path || each.startsWith(below) ? 1 : 0,
    );
    const letters = new Set(kinds.map((kind) => kind.charCodeAt(0)));
    for (const part of this.#parts) {
      let row = 0;
      part.count.forEach((count, at) => {
        for (const end = row + count; row < end; row += 1) {
          const was = part.old?.[row] ?? BINARY;
          const here = wanted[part.path[row] ?? 0] === 1 || (was !== BINARY && wanted[was] === 1);
          if (!here || (letters.size > 0 && !letters.has(part.status[row] ?? 0))) continue;
          const place = placeOf(graph.number, part.first + at);
          if (place < found.length) found[place] = 1;
        }
      });
    }
    return found;
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || value === BINARY ? null : value;
}

/** Puts the runs of the stream of files together. */
export class FilesBuilder {
  #about: v.InferOutput<typeof About> | null = null;
  #paths: readonly string[] = [];
  readonly #parts: Part[] = [];

  /** Adds one run. Throws Problem where it is not one. */
  add(run: Uint8Array<ArrayBuffer>): void {
    const columns = unpack(run);
    const about = columns.get("about");
    const paths = columns.get("paths");
    if (about !== undefined) this.#about = checked(json(about), About);
    if (paths !== undefined) this.#paths = checked(json(paths), v.array(v.string()));
    const given = columns.get("run");
    // An empty history is a run that only says what it is of.
    if (given === undefined) return;
    const { first, count } = checked(json(given), Run);
    if (count === 0) return;
    const state = columns.get("state");
    const numbers = (name: string): Uint32Array | null => {
      const found = columns.get(name);
      return found === undefined ? null : u32(found);
    };
    const counts = numbers("count");
    const path = numbers("path");
    const status = columns.get("status");
    if (state === undefined || counts === null || path === null || status === undefined)
      throw new Problem("format", "columns", "The host sent files without their commits.");
    const rows = counts.reduce((sum, each) => sum + each, 0);
    if (counts.length !== count || path.length !== rows || status.length !== rows)
      throw new Problem("format", "columns", "The host sent columns of different lengths.");
    this.#parts.push({
      first,
      state,
      count: counts,
      path,
      status,
      old: numbers("old"),
      added: numbers("added"),
      deleted: numbers("deleted"),
    });
  }

  files(): Files {
    const about = this.#about ?? { lines: false, reason: "the host sent no files", paths: 0 };
    return new Files(about, this.#paths, this.#parts);
  }
}
