// SPDX-License-Identifier: Apache-2.0
import { KINDS, NO_FILTERS, type Filters } from "./filters";

export const MODES = ["commits", "heatmap", "branches", "all"] as const;
export type Mode = (typeof MODES)[number];

export const FIELDS = ["message", "author", "path", "content"] as const;
export type Field = (typeof FIELDS)[number];

export interface Search {
  readonly field: Field;
  readonly words: string;
}

/** Where a person looks from and at what, in the scene's own lengths: any display can make its own camera of it. */
export interface Look {
  readonly eye: readonly [number, number, number];
  readonly target: readonly [number, number, number];
}

/** All that makes a view what it is: who opens it again sees the same. */
export interface Scene {
  readonly mode: Mode;
  /** The window of time, seconds since 1970; null is the end of the history on that side. */
  readonly from: number | null;
  readonly until: number | null;
  readonly filters: Filters;
  readonly search: Search | null;
  /** The id of the commit that is looked at. */
  readonly commit: string | null;
  /** The file that is looked at. */
  readonly path: string | null;
  readonly look: Look | null;
}

export const FIRST_SCENE: Scene = {
  mode: "commits",
  from: null,
  until: null,
  filters: NO_FILTERS,
  search: null,
  commit: null,
  path: null,
  look: null,
};

function among<T extends string>(values: readonly T[], given: string | null): T | null {
  return values.find((value) => value === given) ?? null;
}

function whole(text: string | null): number | null {
  if (text === null || !/^-?\d{1,15}$/.test(text)) return null;
  return Number(text);
}

function short(value: number): string {
  return Number(value.toPrecision(7)).toString();
}

function lookOf(text: string | null): Look | null {
  const [a, b, c, d, e, f, ...more] = (text ?? "").split(",").map((part) => (part === "" ? NaN : Number(part)));
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined || f === undefined)
    return null;
  if (more.length > 0 || ![a, b, c, d, e, f].every(Number.isFinite)) return null;
  return { eye: [a, b, c], target: [d, e, f] };
}

/** A scene as the fields of an address. What is as at first is left out. */
export function writeScene(scene: Scene): string {
  const fields = new URLSearchParams();
  const { filters, search, look } = scene;
  if (scene.mode !== FIRST_SCENE.mode) fields.set("view", scene.mode);
  if (scene.from !== null) fields.set("from", Math.floor(scene.from).toString());
  if (scene.until !== null) fields.set("until", Math.ceil(scene.until).toString());
  for (const author of filters.authors) fields.append("author", author);
  for (const branch of filters.branches) fields.append("branch", branch);
  if (filters.path !== "") fields.set("path", filters.path);
  if (filters.kinds.length > 0) fields.set("kinds", filters.kinds.join(""));
  if (filters.merges !== "any") fields.set("merges", filters.merges);
  if (search !== null) fields.set(`search-${search.field}`, search.words);
  if (scene.commit !== null) fields.set("commit", scene.commit);
  if (scene.path !== null) fields.set("file", scene.path);
  if (look !== null) fields.set("look", [...look.eye, ...look.target].map(short).join(","));
  return fields.toString();
}

/** Reads an address that a person may have written: what is not understood is as at first. */
export function readScene(text: string): Scene {
  const fields = new URLSearchParams(text);
  const from = whole(fields.get("from"));
  const until = whole(fields.get("until"));
  const backwards = from !== null && until !== null && from >= until;
  const field = FIELDS.find((each) => (fields.get(`search-${each}`) ?? "") !== "");
  const commit = fields.get("commit");
  const kinds = KINDS.filter((kind) => fields.get("kinds")?.includes(kind));
  return {
    mode: among(MODES, fields.get("view")) ?? FIRST_SCENE.mode,
    from: backwards ? null : from,
    until: backwards ? null : until,
    filters: {
      authors: fields.getAll("author"),
      branches: fields.getAll("branch"),
      path: fields.get("path") ?? "",
      kinds,
      merges: among(["any", "only", "none"] as const, fields.get("merges")) ?? "any",
    },
    search: field === undefined ? null : { field, words: fields.get(`search-${field}`) ?? "" },
    commit: commit !== null && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit) ? commit : null,
    path: fields.get("file"),
    look: lookOf(fields.get("look")),
  };
}
