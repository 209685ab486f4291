// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { authorLooks, slotsOf } from "../src/views/repositories/colours/slots";
import { Files, FilesBuilder } from "../src/views/repositories/data/files";
import { Oids } from "../src/views/repositories/data/oids";
import { cityOf, heightOf, MOMENTS, stateAt, type City } from "../src/views/repositories/layout/city";
import { layoutOf } from "../src/views/repositories/layout/layout";
import { plotsOf, squarified, type Plot } from "../src/views/repositories/layout/treemap";
import { fileRows } from "../src/views/repositories/panels/FileTable";
import { meets } from "../src/views/repositories/scene/buildings";
import { HIDDEN, SHOWN } from "../src/views/repositories/state/filters";
import { graphOf, packed, seeded, text, u32, type Given } from "./histories";

const GROUND: Plot = { x: -5, y: -2, width: 10, height: 4 };

function overlap(a: Plot, b: Plot): number {
  const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const high = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, wide) * Math.max(0, high);
}

function inside(a: Plot, b: Plot): boolean {
  return (
    a.x >= b.x - 1e-6 &&
    a.y >= b.y - 1e-6 &&
    a.x + a.width <= b.x + b.width + 1e-6 &&
    a.y + a.height <= b.y + b.height + 1e-6
  );
}

describe("ground", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))("is cut by weights without overlap (seed %i)", (seed) => {
    const random = seeded(seed);
    const weights = Array.from(
      { length: 1 + Math.floor(random() * 40) },
      () => 1 + Math.floor(random() ** 4 * 500),
    ).sort((a, b) => b - a);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const plots = squarified(weights, GROUND);
    expect(plots).toHaveLength(weights.length);
    plots.forEach((plot, at) => {
      expect(inside(plot, GROUND)).toBe(true);
      expect(plot.width * plot.height).toBeCloseTo(((weights[at] ?? 0) / total) * 40, 6);
      for (const other of plots.slice(at + 1)) expect(overlap(plot, other)).toBeLessThan(1e-6);
    });
  });

  test("files of a folder stand together, and those without weight nowhere", () => {
    const paths = ["a/b/one", "a/b/two", "c/three", "a/four", "none"];
    const plots = plotsOf(paths, Float64Array.of(3, 2, 4, 1, 0), GROUND);
    expect(plots[4]).toBeNull();
    const found = plots.filter((plot) => plot !== null);
    expect(found).toHaveLength(4);
    for (const [at, one] of found.entries())
      for (const other of found.slice(at + 1)) expect(overlap(one, other)).toBeLessThan(1e-9);
    expect(found.every((plot) => inside(plot, GROUND))).toBe(true);
  });

  test("a path of a thousand folders ends", () => {
    const deep = `${"x/".repeat(1000)}file`;
    expect(plotsOf([deep, ""], Float64Array.of(1, 1), GROUND).every((plot) => plot !== null)).toBe(true);
  });
});

const HISTORY: Given[] = [0, 25, 50, 75, 100].map((time, at) => ({ parents: at === 0 ? [] : [at - 1], time }));

function cityWith(shown = new Uint8Array(5).fill(SHOWN)): { city: City; files: Files } {
  const builder = new FilesBuilder();
  // a: added, changed at 25; b: added at 50, deleted at 75; a again at 100.
  builder.add(
    packed({
      about: text({ lines: false, reason: "not yet", paths: 2 }),
      paths: text(["a", "b"]),
      run: text({ first: 0, count: 5 }),
      state: new Uint8Array(5),
      count: u32([1, 1, 1, 1, 1]),
      path: u32([0, 0, 1, 1, 0]),
      status: Uint8Array.from("AMADM", (letter) => letter.charCodeAt(0)),
    }),
  );
  const files = builder.files();
  const graph = graphOf(HISTORY);
  const looks = authorLooks(graph);
  const content = {
    graph,
    layout: layoutOf(graph),
    looks,
    slots: slotsOf(graph, looks),
    oids: new Oids(graph.oid, graph.count),
  };
  return { city: cityOf(content, files, shown, 10, 4), files };
}

describe("city", () => {
  const { city } = cityWith();
  const [a, b] = [0, 1];

  test("a building is as high as it was changed until then", () => {
    expect([...city.files]).toEqual([0, 1]);
    expect(stateAt(city, a, 0).changes).toBe(1);
    expect(stateAt(city, a, 0.25).changes).toBe(2);
    expect(stateAt(city, a, 1).changes).toBe(3);
    expect(city.most).toBe(3);
  });

  test("is there from its first commit to its deletion", () => {
    expect(stateAt(city, b, 0.4).changes).toBeNull();
    expect(stateAt(city, b, 0.5).changes).toBe(1);
    expect(stateAt(city, b, 0.74).changes).toBe(1);
    expect(stateAt(city, b, 0.75).changes).toBeNull();
    expect(stateAt(city, b, 1).changes).toBeNull();
  });

  test("cools", () => {
    const fresh = stateAt(city, a, 0.25).heat;
    expect(stateAt(city, a, 0.35).heat).toBeLessThan(fresh / 2);
    expect(stateAt(city, a, 0.9).heat).toBeGreaterThan(0);
    expect(city.hottest).toBeGreaterThanOrEqual(fresh);
  });

  test("only what the filters show is counted; the file is there nevertheless", () => {
    const shown = new Uint8Array(5).fill(SHOWN);
    shown[1] = HIDDEN;
    const { city: fewer } = cityWith(shown);
    expect(stateAt(fewer, a, 1).changes).toBe(2);
    expect(stateAt(cityWith(new Uint8Array(5)).city, a, 1).changes).toBe(0);
  });

  test("as a table: the files that are there, most changes first", () => {
    expect(fileRows(city, 1).map(({ file, changes }) => [file, changes])).toEqual([[0, 3]]);
    expect(fileRows(city, 0.5).map(({ file }) => file)).toEqual([0, 1]);
  });

  test("has a state for every moment", () => {
    expect(city.states).toHaveLength(2 * MOMENTS * 2);
    expect(heightOf(0, 3, 10)).toBeCloseTo(0.2);
    expect(heightOf(3, 3, 10)).toBeCloseTo(10);
  });
});

test("a ray meets a box from outside, from inside, or not at all", () => {
  const [min, max] = [
    [0, 0, 0],
    [1, 1, 1],
  ] as const;
  expect(meets([-2, 0.5, 0.5], [1, 0, 0], min, max)).toBe(2);
  expect(meets([0.5, 0.5, 0.5], [0, 1, 0], min, max)).toBe(0);
  expect(meets([-2, 2, 0.5], [1, 0, 0], min, max)).toBe(Infinity);
  expect(meets([2, 0.5, 0.5], [1, 0, 0], min, max)).toBe(Infinity);
});
