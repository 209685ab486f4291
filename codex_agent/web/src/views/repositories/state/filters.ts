// SPDX-License-Identifier: Apache-2.0
import type { Graph } from "../data/graph";
import type { Files } from "../data/files";

/** Git's letters of what can happen to a file. */
export const KINDS = ["A", "M", "D", "R", "C", "T"] as const;
export type Kind = (typeof KINDS)[number];

export const KIND_NAMES: Readonly<Record<Kind, string>> = {
  A: "added",
  M: "modified",
  D: "deleted",
  R: "renamed",
  C: "copied",
  T: "type changed",
};

/**
 * What a commit must be to be shown. An empty list asks for nothing; several entries of one list are alternatives, and
 * all lists must be met. The time is not among them: it is the window of the slider.
 */
export interface Filters {
  /** Addresses, as they stand in the history. */
  readonly authors: readonly string[];
  readonly branches: readonly string[];
  /** A file or a folder that the commit changes; "" for any. */
  readonly path: string;
  readonly kinds: readonly Kind[];
  readonly merges: "any" | "only" | "none";
}

export const NO_FILTERS: Filters = { authors: [], branches: [], path: "", kinds: [], merges: "any" };

export function isFiltering(filters: Filters): boolean {
  const { authors, branches, path, kinds, merges } = filters;
  return authors.length > 0 || branches.length > 0 || path !== "" || kinds.length > 0 || merges !== "any";
}

/** True where the files of commits must be known to answer. */
export function needsFiles({ path, kinds }: Filters): boolean {
  return path !== "" || kinds.length > 0;
}

/** What the scene makes of a commit. */
export const HIDDEN = 0;
export const FAINT = 1;
export const SHOWN = 2;

function chosen<T>(names: readonly T[], wanted: readonly T[]): Uint8Array | null {
  if (wanted.length === 0) return null;
  const among = new Set(wanted);
  return Uint8Array.from(names, (name) => (among.has(name) ? 1 : 0));
}

/**
 * One byte a commit: HIDDEN where a filter leaves it out, FAINT where a search is on and has not found it, else SHOWN.
 * While the files are not known, filters that need them let everything pass.
 */
export function shownBy(
  graph: Graph,
  filters: Filters,
  hits: ReadonlySet<number> | null,
  files: Files | null,
): Uint8Array {
  const authors = chosen(
    graph.authors.map(({ email }) => email),
    filters.authors,
  );
  const branches = chosen(graph.branches, filters.branches);
  const touched = needsFiles(filters) && files !== null ? files.touching(graph, filters.path, filters.kinds) : null;
  const shown = new Uint8Array(graph.count);
  for (let commit = 0; commit < graph.count; commit += 1) {
    const merge = (graph.start[commit + 1] ?? 0) - (graph.start[commit] ?? 0) > 1;
    const passes =
      (authors === null || authors[graph.author[commit] ?? 0] === 1) &&
      (branches === null || branches[graph.branch[commit] ?? 0] === 1) &&
      (touched === null || touched[commit] === 1) &&
      (filters.merges === "any" || merge === (filters.merges === "only"));
    if (passes) shown[commit] = hits === null || hits.has(commit) ? SHOWN : FAINT;
  }
  return shown;
}

/**
 * How many commits before each rank are shown: the number between two moments is then a subtraction.
 * One entry more than there are commits. FAINT ones count unless `hitsOnly`.
 */
export function counted(shown: Uint8Array, byRank: Uint32Array, hitsOnly = false): Uint32Array {
  const found = new Uint32Array(byRank.length + 1);
  const least = hitsOnly ? SHOWN : FAINT;
  byRank.forEach((commit, rank) => {
    found[rank + 1] = (found[rank] ?? 0) + ((shown[commit] ?? HIDDEN) >= least ? 1 : 0);
  });
  return found;
}
