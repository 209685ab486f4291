// SPDX-License-Identifier: Apache-2.0
import { NONE, type Graph } from "../data/graph";
import { axisOf, shareOf, type Axis } from "./axis";
import { lanesOf, type Lanes } from "./lanes";
import { ordered, type Order } from "./order";

/** The least distance of two lanes. */
const LANE = 2;
/** How high the scene is for its length where few lanes leave room, and the most of it that one lane takes. */
const HEIGHT_SHARE = 0.35;
const LANE_SHARE = 0.05;
/** How deep the scene is for its length. */
const DEPTH_SHARE = 0.25;

/** The size of the scene: time goes along x, lanes along y, depth in the graph along z. */
export interface Extent {
  readonly length: number;
  readonly height: number;
  readonly depth: number;
  /** Distance of two lanes. */
  readonly gap: number;
}

/** Distance of two lanes: few lanes stand wide apart, many as close as they must. */
export function gapFor(lanes: number, length: number): number {
  return Math.max(LANE, Math.min(LANE_SHARE * length, (HEIGHT_SHARE * length) / Math.max(1, lanes)));
}

export interface Layout {
  readonly order: Order;
  readonly lanes: Lanes;
  readonly axis: Axis;
  readonly extent: Extent;
  /** x, y, z of each commit. */
  readonly positions: Float32Array;
}

/** Lanes to both sides of the first: 0, 1, -1, 2, -2, … */
export function sideOf(lane: number): number {
  return lane % 2 === 1 ? (lane + 1) / 2 : -lane / 2;
}

/** Long histories are longer scenes, but not in proportion: twice the commits stand closer, too. */
export function lengthFor(count: number): number {
  return 20 * Math.sqrt(Math.max(count, 1));
}

/** Places every commit. Depends on the graph alone: the same graph looks the same everywhere. */
export function layoutOf(graph: Graph): Layout {
  const order = ordered(graph);
  const axis = axisOf(order.times);
  const lanes = lanesOf(graph, order.when);
  const length = lengthFor(graph.count);
  const deepest = graph.depth.reduce((most, depth) => Math.max(most, depth), 0);
  const depth = length * DEPTH_SHARE;
  const gap = gapFor(lanes.lanes, length);
  const positions = new Float32Array(graph.count * 3);
  for (let commit = 0; commit < graph.count; commit += 1) {
    const lane = lanes.lane[lanes.line[commit] ?? 0] ?? 0;
    positions[3 * commit] = (shareOf(axis, order.when[commit] ?? 0) - 0.5) * length;
    positions[3 * commit + 1] = sideOf(lane) * gap;
    positions[3 * commit + 2] = deepest === 0 ? 0 : ((graph.depth[commit] ?? 0) / deepest - 0.5) * depth;
  }
  return { order, lanes, axis, extent: { length, height: Math.max(1, lanes.lanes) * gap, gap, depth }, positions };
}

/** Pairs of places, child before parent, of all links whose both ends are here. */
export function linksOf(graph: Graph): Uint32Array {
  const found = new Uint32Array(graph.parents.length * 2);
  let at = 0;
  for (let commit = 0; commit < graph.count; commit += 1) {
    for (let link = graph.start[commit] ?? 0; link < (graph.start[commit + 1] ?? 0); link += 1) {
      const parent = graph.parents[link] ?? NONE;
      if (parent === NONE) continue;
      found[at] = commit;
      found[at + 1] = parent;
      at += 2;
    }
  }
  return found.slice(0, at);
}
