// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { get, getWhole } from "./http";
import { figure, text } from "./parts";
import { routeOf } from "./repositories";

const count = v.pipe(v.number(), v.minValue(0));

/** A file of a difference; lines are null for a binary one. */
const FileChange = v.object({
  status: v.string(),
  path: v.string(),
  old_path: text,
  additions: figure,
  deletions: figure,
  mode: v.string(),
});

const Commit = v.object({
  sha: v.string(),
  message: v.string(),
  author: v.string(),
  author_email: v.string(),
  timestamp: text,
  branch: text,
  parents: v.array(v.string()),
});

const CommitDetail = v.object({
  ...Commit.entries,
  body: v.string(),
  authored_at: text,
  committer: v.string(),
  committer_email: v.string(),
  refs: v.array(v.string()),
  files: v.array(FileChange),
  files_total: count,
});

const Patch = v.object({ text: v.string(), bytes: count });

const Comparison = v.object({
  old: v.string(),
  new: v.string(),
  merge_base: text,
  files: v.array(FileChange),
  files_total: count,
  additions: count,
  deletions: count,
});

const Hits = v.object({ data: v.array(v.object({ sha: v.string() })), cut: text });

export type FileChange = v.InferOutput<typeof FileChange>;
export type Commit = v.InferOutput<typeof Commit>;
export type CommitDetail = v.InferOutput<typeof CommitDetail>;
export type Patch = v.InferOutput<typeof Patch>;
export type Comparison = v.InferOutput<typeof Comparison>;
export type Hits = v.InferOutput<typeof Hits>;

/** As many commits as the host names in one answer. */
const LOOKUP_MOST = 100;
/** The host itself gives up after 20 s. */
const SEARCH_MS = 40_000;
const SEARCH_MOST = "10000";

/** All that a commit says, and the files that it changed. Throws Problem. */
export function readCommit(repo: string, sha: string): Promise<CommitDetail> {
  return get(routeOf(`/api/commits/${sha}`, repo), CommitDetail);
}

/** The patch of a commit, or of one file of it. Throws Problem. */
export function readPatch(repo: string, sha: string, path: string): Promise<Patch> {
  return get(routeOf("/api/patch", repo, { new: sha, path }), Patch);
}

/** What differs between two commits. Throws Problem. */
export function readComparison(repo: string, old: string, sha: string): Promise<Comparison> {
  return get(routeOf("/api/compare", repo, { old, new: sha }), Comparison);
}

/** First lines of messages of some commits, those that are unknown left out. Throws Problem. */
export async function readMessages(repo: string, shas: readonly string[]): Promise<Commit[]> {
  const found: Commit[] = [];
  for (let at = 0; at < shas.length; at += LOOKUP_MOST) {
    const some = shas.slice(at, at + LOOKUP_MOST).join(",");
    found.push(...(await get(routeOf("/api/commits/lookup", repo, { shas: some }), v.array(Commit))));
  }
  return found;
}

/** The ids of commits that hold the words; `cut` says why there may be more. Throws Problem. */
export function searchCommits(repo: string, field: string, words: string, signal: AbortSignal): Promise<Hits> {
  return getWhole(routeOf("/api/search", repo, { field, q: words, limit: SEARCH_MOST }), Hits, signal, SEARCH_MS);
}
