// SPDX-License-Identifier: Apache-2.0
import type { Graph } from "../data/graph";
import { HUES } from "./palette";

export const SHAPES = ["circle", "square", "triangle", "diamond"] as const;
export type Shape = (typeof SHAPES)[number];

/** How many authors have a look of their own; a hue and a shape each. */
export const SLOTS = HUES * SHAPES.length;
/** The look of all others. */
export const OTHERS = SLOTS;

/** A look: which hue of the palette (HUES for the grey one), and which shape. */
export function lookOf(slot: number): { readonly hue: number; readonly shape: Shape } {
  if (slot >= SLOTS) return { hue: HUES, shape: "circle" };
  return { hue: slot % HUES, shape: SHAPES[Math.floor(slot / HUES)] ?? "circle" };
}

export interface AuthorLook {
  /** The place of the author in the graph. */
  readonly author: number;
  readonly commits: number;
  readonly slot: number;
}

/** Authors by their number of commits, those with most first; equal ones by their address, so that looks stay. */
export function authorLooks(graph: Graph): AuthorLook[] {
  const commits = new Uint32Array(graph.authors.length);
  for (const author of graph.author) if (author < commits.length) commits[author] = (commits[author] ?? 0) + 1;
  const email = (author: number): string => graph.authors[author]?.email ?? "";
  return Array.from(commits.keys())
    .filter((author) => (commits[author] ?? 0) > 0)
    .sort((a, b) => (commits[b] ?? 0) - (commits[a] ?? 0) || (email(a) < email(b) ? -1 : 1))
    .map((author, place) => ({ author, commits: commits[author] ?? 0, slot: Math.min(place, OTHERS) }));
}

/** The slot of each author of the graph. */
export function slotsOf(graph: Graph, looks: readonly AuthorLook[]): Uint8Array {
  const found = new Uint8Array(graph.authors.length).fill(OTHERS);
  for (const { author, slot } of looks) found[author] = slot;
  return found;
}
