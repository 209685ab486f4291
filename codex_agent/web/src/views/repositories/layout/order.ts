// SPDX-License-Identifier: Apache-2.0
import type { Graph } from "../data/graph";

/**
 * Commits in the order of time. Ranks are whole numbers, which a graphics processor compares exactly; seconds are not,
 * as its numbers of 32 bits tell moments of this century 128 s apart.
 */
export interface Order {
  /** The time of each commit, also of those that have none that can be read: then that of a parent. */
  readonly when: Float64Array;
  /** Commits, the oldest first; those of one second parents first. */
  readonly byRank: Uint32Array;
  /** The place of each commit in `byRank`. */
  readonly rank: Uint32Array;
  /** `when` of the commits in `byRank`: rising. */
  readonly times: Float64Array;
}

/** A time for every commit: its own, else the latest of its parents, else the first of all. */
export function timesOf(graph: Graph): Float64Array {
  const when = new Float64Array(graph.count);
  let first = Infinity;
  for (const time of graph.time) if (time < first) first = time;
  const least = first === Infinity ? 0 : first;
  for (let commit = 0; commit < graph.count; commit += 1) {
    const own = graph.time[commit] ?? NaN;
    when[commit] = Number.isNaN(own) ? latestParent(graph, when, commit, least) : own;
  }
  return when;
}

function latestParent(graph: Graph, when: Float64Array, commit: number, least: number): number {
  let latest = least;
  for (let link = graph.start[commit] ?? 0; link < (graph.start[commit + 1] ?? 0); link += 1) {
    const parent = graph.parents[link] ?? 0;
    // Not here yet: its place is beyond the column, and so is its time.
    latest = Math.max(latest, when[parent] ?? least);
  }
  return latest;
}

/** Sorts commits by time. */
export function ordered(graph: Graph): Order {
  const when = timesOf(graph);
  const byRank = sortedPlaces(when);
  const rank = new Uint32Array(graph.count);
  const times = new Float64Array(graph.count);
  byRank.forEach((commit, place) => {
    rank[commit] = place;
    times[place] = when[commit] ?? 0;
  });
  return { when, byRank, rank, times };
}

function sortedPlaces(when: Float64Array): Uint32Array {
  const count = when.length;
  let least = Infinity;
  let most = -Infinity;
  for (const time of when) {
    if (time < least) least = time;
    if (time > most) most = time;
  }
  // Time and place in one exact number, where they fit: sorting numbers takes a tenth of sorting by a function.
  if (count > 0 && (most - least + 1) * count <= Number.MAX_SAFE_INTEGER) {
    const keys = when.map((time, place) => (time - least) * count + place).sort();
    return Uint32Array.from(keys, (key) => key % count);
  }
  return Uint32Array.from(when.keys()).sort((a, b) => (when[a] ?? 0) - (when[b] ?? 0) || a - b);
}

/** How many of the rising times are before `time`: the rank at which it would stand. */
export function before(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
