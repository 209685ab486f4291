// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { i64, RunReader, unpack } from "../src/api/columns";
import { GraphBuilder, NONE, placeOf } from "../src/views/repositories/data/graph";
import { Oids } from "../src/views/repositories/data/oids";
import { anyHistory, framed, graphOf, oid, packed, PEOPLE, runsOf, sha, text, u32, type Given } from "./histories";

const LINE: Given[] = [
  { parents: [], time: 100 },
  { parents: [0], time: 200 },
  { parents: [0], time: 150 },
  { parents: [1, 2], time: 300 },
];

function whole(runs: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(runs.flatMap((run) => [...framed(run)]));
}

describe("runs", () => {
  test.each([1, 2, 3, 5, 64, 100_000])("arrive in pieces of %i bytes", (size) => {
    const runs = runsOf(anyHistory(1, 30), PEOPLE);
    const stream = whole(runs);
    const reader = new RunReader();
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) found.push(...reader.push(stream.subarray(at, at + size)));
    reader.end();
    expect(found.map((run) => [...run])).toEqual(runs.map((run) => [...run]));
    expect(found.every((run) => run.byteOffset === 0)).toBe(true);
  });

  test("a stream that is cut is told", () => {
    const reader = new RunReader();
    reader.push(whole(runsOf(LINE)).subarray(0, -1));
    expect(() => {
      reader.end();
    }).toThrow("they end in the middle");
  });

  test("a length that no host sends is told at once, without waiting for it", () => {
    expect(() => new RunReader().push(Uint8Array.of(255, 255, 255, 255))).toThrow("a run of 4294967295 bytes");
  });

  test.each([
    [Uint8Array.of(1), "they have no header"],
    [Uint8Array.of(200, 0, 0, 0, 1), "longer than they are"],
    [Uint8Array.from([1, 0, 0, 0, 0x7b]), "no list"],
    [Uint8Array.from([2, 0, 0, 0, 0x7b, 0x7d]), "no list"],
    [Uint8Array.from([4, 0, 0, 0, ...new TextEncoder().encode("[[]]")]), "names no columns"],
    [Uint8Array.from([10, 0, 0, 0, ...new TextEncoder().encode('[["a",-1]]')]), "names no columns"],
    [Uint8Array.from([9, 0, 0, 0, ...new TextEncoder().encode('[["a",9]]')]), "the column a is cut"],
  ])("what is no run is refused: %#", (run, why) => {
    expect(() => unpack(run)).toThrow(why);
  });

  test("numbers of 64 bits are exact, and none is NaN", () => {
    const values = [0n, -1n, 2n ** 52n + 1n, -(2n ** 40n), 4_294_967_296n, -(2n ** 63n)];
    expect([...i64(new Uint8Array(BigInt64Array.from(values).buffer))]).toEqual([
      0,
      -1,
      2 ** 52 + 1,
      -(2 ** 40),
      4_294_967_296,
      NaN,
    ]);
  });
});

describe("graph", () => {
  test("is put together from its newest runs on", () => {
    const graph = graphOf(LINE, { size: 3 });
    expect([...graph.time]).toEqual([100, 200, 150, 300]);
    expect([...graph.depth]).toEqual([0, 1, 1, 2]);
    expect([...graph.start]).toEqual([0, 0, 1, 2, 4]);
    expect([...graph.parents]).toEqual([0, 0, 1, 2]);
    expect(graph.count).toBe(4);
    expect(graph.authors).toEqual([{ name: "Ann", email: "ann@example.org" }]);
  });

  test("a part of it is a history, whose missing parents are none", () => {
    const builder = new GraphBuilder();
    const [newest] = runsOf(LINE, { size: 3 });
    if (newest !== undefined) builder.add(newest);
    const part = builder.graph();
    expect(part).toMatchObject({ count: 1, total: 4 });
    expect([...part.parents]).toEqual([NONE, NONE]);
  });

  test("numbers may have gaps", () => {
    const graph = graphOf(LINE, { size: 3, numbers: [2, 3, 7, 9] });
    expect([...graph.parents]).toEqual([0, 0, 1, 2]);
    expect(placeOf(graph.number, 7)).toBe(2);
    for (const missing of [0, 4, 8, 10]) expect(placeOf(graph.number, missing)).toBe(NONE);
  });

  test("an empty history is one", () => {
    expect(graphOf([])).toMatchObject({ count: 0, total: 0 });
  });

  test("columns of different lengths are refused", () => {
    const run = packed({
      about: text({ generation: 1, total: 1, branches: [], authors: [] }),
      run: text({ first: 0, count: 1 }),
      time: new Uint8Array(8),
      author: u32([0]),
      branch: u32([0, 0]),
      rise: u32([0]),
      parents: u32([0]),
      back: u32([]),
      oid: new Uint8Array(20),
    });
    expect(() => {
      new GraphBuilder().add(run);
    }).toThrow("different lengths");
  });
});

describe("ids", () => {
  test("each is found by its text, others are not", () => {
    const count = 500;
    const ids = new Oids(Uint8Array.from(Array.from({ length: count }, (_, at) => [...oid(at)]).flat()), count);
    for (let at = 0; at < count; at += 1) expect(ids.place(sha(at))).toBe(at);
    expect(ids.text(3)).toBe(sha(3));
    for (const missing of [sha(count), "", "zz", sha(0).toUpperCase(), sha(0).slice(1)])
      expect(ids.place(missing)).toBe(NONE);
  });

  test("ids that begin alike are told apart, and a missing one ends the search", () => {
    const like = (last: number): number[] => [...new Array<number>(19).fill(7), last];
    const ids = new Oids(Uint8Array.from([...like(1), ...like(2)]), 2);
    expect(ids.place(`${"07".repeat(19)}02`)).toBe(1);
    expect(ids.place(`${"07".repeat(19)}03`)).toBe(NONE);
  });
});
