// SPDX-License-Identifier: Apache-2.0
import type { Files } from "../data/files";
import { NONE, placeOf } from "../data/graph";
import type { Content } from "../state/explorer";
import { SHOWN } from "../state/filters";
import { shareOf } from "./axis";
import type { Extent } from "./layout";
import { plotsOf, type Plot } from "./treemap";

/** Files that get a building; the others have the fewest changes. */
export const FILES_MOST = 10_000;
/** Moments at which each building is known; between them it grows evenly. */
export const MOMENTS = 97;
/** In how much of the whole time a change cools to half of its heat. */
const HALF = 0.04;
const DELETED = "D".charCodeAt(0);

/** Files as buildings: the ground by all changes ever, the height and heat by those up to a moment. */
export interface City {
  /** Places in the list of paths. */
  readonly files: Uint32Array;
  readonly plots: readonly Plot[];
  /** For each building and moment: changes so far, less than 0 (by one more) while the file is not there; and heat. */
  readonly states: Float32Array;
  /** The most changes of one file, at least 1. */
  readonly most: number;
  /** The most heat at any moment. */
  readonly hottest: number;
  /** How many files have no building. */
  readonly left: number;
}

/** The ground of a city below a scene, the height at which it lies, and that of its highest building. */
export function citySize({ length, height, gap }: Extent) {
  return { width: length * 0.9, depth: length * 0.45, floor: -(height / 2 + 2 * gap), highest: length * 0.1 };
}

/** Lays out the files on a ground of `width` by `depth`, by those changes that are shown. */
export function cityOf(content: Content, files: Files, shown: Uint8Array, width: number, depth: number): City {
  const { graph, layout } = content;
  const changes = new Float64Array(files.paths.length);
  files.each(({ path }) => {
    changes[path] = (changes[path] ?? 0) + 1;
  });
  const chosen = Uint32Array.from(changes.keys())
    .filter((path) => (changes[path] ?? 0) > 0)
    .sort((a, b) => (changes[b] ?? 0) - (changes[a] ?? 0) || a - b);
  const own = chosen.subarray(0, FILES_MOST);
  const building = new Uint32Array(files.paths.length).fill(NONE);
  const weights = new Float64Array(files.paths.length);
  own.forEach((path, at) => {
    building[path] = at;
    weights[path] = changes[path] ?? 0;
  });
  const grounds = plotsOf(files.paths, weights, { x: -width / 2, y: -depth / 2, width, height: depth });
  const states = new Float32Array(own.length * MOMENTS * 2);
  // First what happened in the stretch before each moment, then summed up.
  const here = new Int8Array(own.length * MOMENTS);
  files.each(({ number, path, status, old }) => {
    const commit = placeOf(graph.number, number);
    if (commit === NONE) return;
    const moment = momentOf(shareOf(layout.axis, layout.order.when[commit] ?? 0));
    const at = building[path] ?? NONE;
    if (at !== NONE) {
      here[at * MOMENTS + moment] = status === DELETED ? -1 : 1;
      if (shown[commit] === SHOWN) states[(at * MOMENTS + moment) * 2] = (states[(at * MOMENTS + moment) * 2] ?? 0) + 1;
    }
    const was = old === null || status !== "R".charCodeAt(0) ? NONE : (building[old] ?? NONE);
    if (was !== NONE) here[was * MOMENTS + moment] = -1;
  });
  const { most, hottest } = summed(states, here, own.length);
  const plots = Array.from(own, (path) => grounds[path] ?? { x: 0, y: 0, width: 0, height: 0 });
  return { files: own, plots, states, most, hottest, left: chosen.length - own.length };
}

/** The first moment at which something that happened at a share of the time is to be seen. */
function momentOf(share: number): number {
  return Math.min(MOMENTS - 1, Math.ceil(share * (MOMENTS - 1)));
}

function summed(states: Float32Array, here: Int8Array, count: number): { most: number; hottest: number } {
  const cool = 0.5 ** (1 / (HALF * (MOMENTS - 1)));
  let most = 1;
  let hottest = 1e-6;
  for (let building = 0; building < count; building += 1) {
    let sum = 0;
    let heat = 0;
    let there = false;
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      const at = building * MOMENTS + moment;
      const fresh = states[2 * at] ?? 0;
      sum += fresh;
      heat = heat * cool + fresh;
      const change = here[at] ?? 0;
      if (change !== 0) there = change > 0;
      states[2 * at] = there ? sum : -(sum + 1);
      states[2 * at + 1] = heat;
      most = Math.max(most, sum);
      // As it is stored, in 32 bits.
      hottest = Math.max(hottest, Math.fround(heat));
    }
  }
  return { most, hottest };
}

/** What a building is at a moment of the axis (0 to 1): changes so far, null while the file is not there, and heat. */
export function stateAt(city: City, building: number, share: number): { changes: number | null; heat: number } {
  const exact = share * (MOMENTS - 1);
  const before = Math.floor(exact);
  const after = Math.min(MOMENTS - 1, before + 1);
  const value = (moment: number, channel: number): number =>
    city.states[(building * MOMENTS + moment) * 2 + channel] ?? 0;
  const now = value(before, 0);
  if (now < 0) return { changes: null, heat: 0 };
  const next = value(after, 0);
  const part = exact - before;
  const changes = next < 0 ? now : now + (next - now) * part;
  return { changes, heat: value(before, 1) + (value(after, 1) - value(before, 1)) * part };
}

/** How high a building is: roots, as the busiest file would hide all others. */
export function heightOf(changes: number, most: number, highest: number): number {
  return (0.02 + 0.98 * Math.sqrt(changes / most)) * highest;
}
