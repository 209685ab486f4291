// SPDX-License-Identifier: Apache-2.0
import { GraphBuilder, type Graph } from "../src/views/repositories/data/graph";

/** A commit of a made-up history; parents are places of earlier ones. */
export interface Given {
  readonly parents: readonly number[];
  readonly time: number | null;
  readonly author?: number;
  readonly branch?: number;
}

const NO_TIME = -(2n ** 63n);

/** Columns as the host packs them: header, then each column at a multiple of 8. */
export function packed(columns: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(
    JSON.stringify(Object.entries(columns).map(([name, content]) => [name, content.length])),
  );
  let size = 4 + header.length;
  const places = Object.values(columns).map((content) => {
    const at = Math.ceil(size / 8) * 8;
    size = at + content.length;
    return at;
  });
  const found = new Uint8Array(size);
  new DataView(found.buffer).setUint32(0, header.length, true);
  found.set(header, 4);
  Object.values(columns).forEach((content, nth) => {
    found.set(content, places[nth]);
  });
  return found;
}

/** A run with its length before it, as it travels. */
export function framed(run: Uint8Array): Uint8Array<ArrayBuffer> {
  const found = new Uint8Array(4 + run.length);
  new DataView(found.buffer).setUint32(0, run.length, true);
  found.set(run, 4);
  return found;
}

export function text(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function bytes(array: Uint32Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

export function u32(values: readonly number[]): Uint8Array {
  return bytes(Uint32Array.from(values));
}

/** The id of a commit by its number: the number in 20 bytes, mixed so that the first bytes differ. */
export function oid(number: number): Uint8Array {
  const found = new Uint8Array(20);
  const view = new DataView(found.buffer);
  view.setUint32(0, Math.imul(number + 1, 2_654_435_761) >>> 0);
  view.setUint32(16, number);
  return found;
}

export function sha(number: number): string {
  return Array.from(oid(number), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function depthsOf(history: readonly Given[]): number[] {
  const depths: number[] = [];
  for (const { parents } of history) depths.push(Math.max(-1, ...parents.map((parent) => depths[parent] ?? 0)) + 1);
  return depths;
}

export interface Told {
  readonly branches?: readonly string[];
  readonly authors?: readonly (readonly [string, string])[];
  /** Commits in one run. */
  readonly size?: number;
  /** The number of each commit, where they are not 0, 1, 2, … */
  readonly numbers?: readonly number[];
}

/** The runs of a history, the newest first. */
export function runsOf(history: readonly Given[], told: Told = {}): Uint8Array<ArrayBuffer>[] {
  const { size = 7, branches = ["main"], authors = [["Ann", "ann@example.org"]] } = told;
  const numbers = told.numbers ?? history.map((_, at) => at);
  const depths = depthsOf(history);
  const about = { birth: "b", generation: 1, total: history.length, branches, authors, no_time: NO_TIME.toString() };
  const runs: Uint8Array<ArrayBuffer>[] = [];
  for (let first = Math.floor((history.length - 1) / size) * size; first >= 0; first -= size) {
    const part = history.slice(first, first + size);
    const at = (nth: number): number => numbers[first + nth] ?? 0;
    runs.push(
      packed({
        ...(runs.length === 0 ? { about: text(about) } : {}),
        run: text({ first: at(0), count: part.length }),
        time: bytes(BigInt64Array.from(part, ({ time }) => (time === null ? NO_TIME : BigInt(time)))),
        author: u32(part.map(({ author = 0 }) => author)),
        branch: u32(part.map(({ branch = 0 }) => branch)),
        rise: bytes(
          Int32Array.from(
            part,
            (_, nth) => (depths[first + nth] ?? 0) - (nth === 0 ? 0 : (depths[first + nth - 1] ?? 0)),
          ),
        ),
        parents: u32(part.map(({ parents }) => parents.length)),
        back: u32(part.flatMap(({ parents }, nth) => parents.map((parent) => at(nth) - (numbers[parent] ?? 0)))),
        ...(told.numbers === undefined ? {} : { number: u32(part.map((_, nth) => at(nth))) }),
        oid: Uint8Array.from(part.flatMap((_, nth) => [...oid(at(nth))])),
      }),
    );
  }
  return runs.length > 0 ? runs : [packed({ about: text(about), run: text({ first: 0, count: 0 }) })];
}

export function graphOf(history: readonly Given[], told: Told = {}): Graph {
  const builder = new GraphBuilder();
  for (const run of runsOf(history, told)) builder.add(run);
  return builder.graph();
}

/** Numbers from 0 to 1 that are the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A history of any shape: several roots, merges of many parents, clocks that go wrong, times that are missing. */
export function anyHistory(seed: number, count: number): Given[] {
  const random = seeded(seed);
  const below = (most: number): number => Math.floor(random() * most);
  return Array.from({ length: count }, (_, at) => {
    const wanted = at === 0 || random() < 0.02 ? 0 : random() < 0.15 ? 2 + below(2) : 1;
    const parents = new Set<number>();
    for (let nth = 0; nth < wanted; nth += 1) parents.add(Math.max(0, at - 1 - below(random() < 0.7 ? 1 : 12)));
    const time = 1_100_000_000 + at * 600 + (random() < 0.1 ? below(20_000) - 10_000 : 0);
    return {
      parents: [...parents],
      time: random() < 0.02 ? null : random() < 0.01 ? 0 : time,
      author: below(5),
      branch: Math.min(2, below(8)),
    };
  });
}

export const PEOPLE: Told = {
  branches: ["main", "next", "old"],
  authors: [
    ["Ann", "ann@example.org"],
    ["Bob", "bob@example.org"],
    ["Cyd", "cyd@example.org"],
    ["Dan", "dan@example.org"],
    ["Eve", "eve@example.org"],
  ],
};
