// SPDX-License-Identifier: Apache-2.0
import {
  readCommit,
  readComparison,
  readMessages,
  readPatch,
  searchCommits,
  type Commit,
  type CommitDetail,
  type Comparison,
  type Hits,
  type Patch,
} from "../../../api/history";
import { addComment, deleteComment, readComments, type Comment } from "../../../api/comments";
import { receiveFiles, receiveGraph } from "../../../api/repositories";
import type { Search } from "./link";

type Take = (run: Uint8Array<ArrayBuffer>) => void;

/** Where the page gets one repository from. Everything here throws Problem. */
export interface Source {
  readonly graph: (take: Take, signal: AbortSignal) => Promise<void>;
  readonly files: (take: Take, signal: AbortSignal) => Promise<void>;
  readonly search: (search: Search, signal: AbortSignal) => Promise<Hits>;
  readonly commit: (sha: string) => Promise<CommitDetail>;
  readonly patch: (sha: string, path: string) => Promise<Patch>;
  readonly compare: (old: string, sha: string) => Promise<Comparison>;
  readonly messages: (shas: readonly string[]) => Promise<readonly Commit[]>;
  readonly comments: (sha: string) => Promise<readonly Comment[]>;
  readonly addComment: (sha: string, content: string) => Promise<Comment>;
  readonly deleteComment: (sha: string, id: string) => Promise<void>;
}

/** The host, asked about one repository. */
export function hostSource(repo: string): Source {
  return {
    graph: (take, signal) => receiveGraph(repo, take, signal),
    files: (take, signal) => receiveFiles(repo, take, signal),
    search: ({ field, words }, signal) => searchCommits(repo, field, words, signal),
    commit: (sha) => readCommit(repo, sha),
    patch: (sha, path) => readPatch(repo, sha, path),
    compare: (old, sha) => readComparison(repo, old, sha),
    messages: (shas) => readMessages(repo, shas),
    comments: (sha) => readComments(repo, sha),
    addComment: (sha, content) => addComment(repo, sha, content),
    deleteComment: (sha, id) => deleteComment(repo, sha, id),
  };
}
