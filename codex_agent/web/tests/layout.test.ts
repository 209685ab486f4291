// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { NONE, type Graph } from "../src/views/repositories/data/graph";
import { axisOf, shareOf, timeAt } from "../src/views/repositories/layout/axis";
import { layoutOf, linksOf, sideOf, type Layout } from "../src/views/repositories/layout/layout";
import { before } from "../src/views/repositories/layout/order";
import { anyHistory, graphOf, PEOPLE, type Given } from "./histories";

const SEEDS = Array.from({ length: 25 }, (_, seed) => seed);

function made(seed: number): { graph: Graph; layout: Layout } {
  const graph = graphOf(anyHistory(seed, 40 + seed * 7), PEOPLE);
  return { graph, layout: layoutOf(graph) };
}

function laneOf({ lanes }: Layout, commit: number): number {
  return lanes.lane[lanes.line[commit] ?? 0] ?? 0;
}

describe.each(SEEDS)("any history (seed %i)", (seed) => {
  const { graph, layout } = made(seed);

  test("every commit has a place", () => {
    expect(layout.positions).toHaveLength(graph.count * 3);
    expect([...layout.positions].every(Number.isFinite)).toBe(true);
    const { length, height, depth } = layout.extent;
    for (let commit = 0; commit < graph.count; commit += 1) {
      expect(Math.abs(layout.positions[3 * commit] ?? NaN)).toBeLessThanOrEqual(length / 2 + 1e-3);
      expect(Math.abs(layout.positions[3 * commit + 1] ?? NaN)).toBeLessThanOrEqual(height);
      expect(Math.abs(layout.positions[3 * commit + 2] ?? NaN)).toBeLessThanOrEqual(depth / 2 + 1e-3);
    }
  });

  test("ranks are an order of time, each once", () => {
    const { byRank, rank, times } = layout.order;
    expect([...byRank].sort((a, b) => a - b)).toEqual([...graph.number]);
    byRank.forEach((commit, place) => {
      expect(rank[commit]).toBe(place);
    });
    for (let place = 1; place < times.length; place += 1)
      expect(times[place]).toBeGreaterThanOrEqual(times[place - 1] ?? 0);
  });

  test("children are deeper than their parents", () => {
    const links = linksOf(graph);
    for (let at = 0; at < links.length; at += 2)
      expect(layout.positions[3 * (links[at] ?? 0) + 2]).toBeGreaterThan(
        layout.positions[3 * (links[at + 1] ?? 0) + 2] ?? Infinity,
      );
  });

  test("two lines never share a lane at one time", () => {
    const spans = new Map<number, { from: number; until: number }>();
    for (let commit = 0; commit < graph.count; commit += 1) {
      const line = layout.lanes.line[commit] ?? NONE;
      const time = layout.order.when[commit] ?? 0;
      const span = spans.get(line) ?? { from: time, until: time };
      spans.set(line, { from: Math.min(span.from, time), until: Math.max(span.until, time) });
    }
    const all = [...spans];
    for (const [one, a] of all)
      for (const [other, b] of all)
        if (one < other && layout.lanes.lane[one] === layout.lanes.lane[other])
          expect(a.until < b.from || b.until < a.from).toBe(true);
  });

  test("what is checked out is straight, alone on lane 0", () => {
    let commit = graph.branch.lastIndexOf(0);
    const line = layout.lanes.line[commit];
    while (commit !== NONE) {
      expect(laneOf(layout, commit)).toBe(0);
      const link = graph.start[commit] ?? 0;
      commit = link < (graph.start[commit + 1] ?? 0) ? (graph.parents[link] ?? NONE) : NONE;
    }
    layout.lanes.line.forEach((each, at) => {
      if (each !== line) expect(laneOf(layout, at)).toBeGreaterThan(0);
    });
  });

  test("looks the same when it is made again", () => {
    expect(layoutOf(graph).positions).toEqual(layout.positions);
  });
});

describe("places", () => {
  test("lanes are to both sides", () => {
    expect([0, 1, 2, 3, 4].map(sideOf).map((side) => side + 0)).toEqual([0, 1, -1, 2, -2]);
  });

  test("a commit without a time is where its parent is", () => {
    const history: Given[] = [
      { parents: [], time: 50 },
      { parents: [0], time: 80 },
      { parents: [1], time: null },
    ];
    expect([...layoutOf(graphOf(history)).order.when]).toEqual([50, 80, 80]);
  });

  test("a history without any time, and one of a single commit, have places", () => {
    const none = layoutOf(graphOf([{ parents: [], time: null }]));
    expect([...none.positions].every(Number.isFinite)).toBe(true);
    expect(layoutOf(graphOf([])).positions).toHaveLength(0);
  });

  test("times too far apart to be sorted as one number are sorted nevertheless", () => {
    const history: Given[] = [
      { parents: [], time: 2 ** 52 },
      { parents: [0], time: -(2 ** 52) },
      { parents: [1], time: 5 },
    ];
    expect([...layoutOf(graphOf(history)).order.byRank]).toEqual([1, 2, 0]);
  });

  test("parts of a history can be laid out before the rest is here", () => {
    const whole = graphOf(anyHistory(3, 60), PEOPLE);
    const parents = whole.parents.map((parent) => (parent < 20 ? NONE : parent));
    expect([...layoutOf({ ...whole, parents }).positions].every(Number.isFinite)).toBe(true);
  });
});

describe("axis", () => {
  test("a few strays do not stretch it", () => {
    const times = Float64Array.from([0, ...Array.from({ length: 5000 }, (_, at) => 1e9 + at), 9e9]);
    expect(axisOf(times)).toEqual({ from: 1e9 + 4, until: 1e9 + 4995 });
    expect(shareOf(axisOf(times), 0)).toBe(0);
    expect(shareOf(axisOf(times), 9e9)).toBe(1);
  });

  test("one commit of a wrong clock does not stretch a small history, an early beginning does", () => {
    const others = Array.from({ length: 99 }, (_, at) => 1e9 + at);
    expect(axisOf(Float64Array.from([0, ...others])).from).toBe(1e9);
    expect(axisOf(Float64Array.from([1e9 - 200, ...others])).from).toBe(1e9 - 200);
    expect(axisOf(Float64Array.of(0, 1e9, 1e9 + 1)).from).toBe(0);
  });

  test("without strays it reaches from the first to the last", () => {
    expect(axisOf(Float64Array.of(10, 20, 30))).toEqual({ from: 10, until: 30 });
  });

  test("is never empty", () => {
    expect(axisOf(Float64Array.of(10))).toEqual({ from: 10, until: 11 });
    expect(axisOf(new Float64Array(0))).toEqual({ from: 0, until: 1 });
  });

  test("shares and times are the same thing", () => {
    const axis = { from: 100, until: 300 };
    for (const share of [0, 0.25, 1]) expect(shareOf(axis, timeAt(axis, share))).toBe(share);
  });

  test("how many are before a time", () => {
    const times = Float64Array.of(1, 2, 2, 5);
    expect([0, 1, 2, 3, 5, 6].map((time) => before(times, time))).toEqual([0, 0, 1, 3, 3, 4]);
  });
});
