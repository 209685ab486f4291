// SPDX-License-Identifier: Apache-2.0
import { linksOf, type Layout } from "../layout/layout";
import { NONE, type Graph } from "../data/graph";

/** Commits of one draw call. More would leave less to leave out, fewer would be more calls. */
export const CHUNK = 16_384;

export interface Box {
  readonly min: readonly [number, number, number];
  readonly max: readonly [number, number, number];
}

/** Commits that follow each other in time, and the links to their parents. */
export interface Chunk {
  /** Ranks `low` to `high - 1` are in it. */
  readonly low: number;
  readonly high: number;
  /** Its commits so that each beginning of the list is an even sample of all: what is far away needs no more. */
  readonly commits: Uint32Array;
  /** Child and parent of each link, in the order of the children in `commits`. */
  readonly links: Uint32Array;
  /** How many links the first `n` commits have; one entry more than commits. */
  readonly linksBefore: Uint32Array;
  readonly box: Box;
}

/** Places 0 to `count - 1` so that any beginning is spread evenly: their bits are read backwards. */
export function spread(count: number): Uint32Array {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(count, 2))));
  const found = new Uint32Array(count);
  let at = 0;
  for (let number = 0; number < 2 ** bits; number += 1) {
    let place = 0;
    for (let bit = 0; bit < bits; bit += 1) place |= ((number >>> bit) & 1) << (bits - 1 - bit);
    if (place < count) {
      found[at] = place;
      at += 1;
    }
  }
  return found;
}

/** The smallest box around the places of some commits. */
export function boxOf(positions: Float32Array, commits: Iterable<number>): Box {
  const min: [number, number, number] = [Infinity, Infinity, Infinity];
  const max: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (const commit of commits) {
    for (const axis of [0, 1, 2] as const) {
      const value = positions[3 * commit + axis] ?? 0;
      if (value < min[axis]) min[axis] = value;
      if (value > max[axis]) max[axis] = value;
    }
  }
  return { min, max };
}

/** Cuts a history into chunks. A link belongs to its child; the box holds the parents too. */
export function chunksOf(graph: Graph, layout: Layout): Chunk[] {
  const { byRank } = layout.order;
  const links = linksOf(graph);
  const first = firstLinks(graph, links);
  const found: Chunk[] = [];
  for (let low = 0; low < graph.count; low += CHUNK) {
    const high = Math.min(graph.count, low + CHUNK);
    const commits = Uint32Array.from(spread(high - low), (place) => byRank[low + place] ?? 0);
    const linksBefore = new Uint32Array(commits.length + 1);
    const pairs: number[] = [];
    const ends = new Set<number>();
    commits.forEach((commit, place) => {
      for (let link = first[commit] ?? 0; link < (first[commit + 1] ?? 0); link += 1) {
        const parent = links[2 * link + 1] ?? NONE;
        pairs.push(commit, parent);
        if ((layout.order.rank[parent] ?? 0) < low) ends.add(parent);
      }
      linksBefore[place + 1] = pairs.length / 2;
    });
    const box = boxOf(layout.positions, [...commits, ...ends]);
    found.push({ low, high, commits, links: Uint32Array.from(pairs), linksBefore, box });
  }
  return found;
}

/** Where the links of each commit begin in the list of pairs; one entry more than commits. */
function firstLinks(graph: Graph, links: Uint32Array): Uint32Array {
  const first = new Uint32Array(graph.count + 1);
  for (let at = 0; at < links.length; at += 2) {
    const child = links[at] ?? 0;
    first[child + 1] = (first[child + 1] ?? 0) + 1;
  }
  for (let commit = 0; commit < graph.count; commit += 1)
    first[commit + 1] = (first[commit + 1] ?? 0) + (first[commit] ?? 0);
  return first;
}

/** Commits that one pixel of width can still show; beyond it they cover each other. */
const A_PIXEL = 24;
const LEAST = 256;

/** How many of a chunk's commits are drawn where it is `pixels` wide. */
export function detail(count: number, pixels: number): number {
  return Math.min(count, Math.max(LEAST, Math.ceil(pixels * A_PIXEL)));
}
