// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { command, get, post } from "./http";
import { routeOf } from "./repositories";

const Comment = v.object({
  id: v.string(),
  commit_sha: v.string(),
  author: v.string(),
  content: v.string(),
  created_at: v.string(),
});

export type Comment = v.InferOutput<typeof Comment>;

/** What was said about a commit, the oldest first. Throws Problem. */
export function readComments(repo: string, sha: string): Promise<Comment[]> {
  return get(routeOf(`/api/comments/${sha}`, repo), v.array(Comment));
}

/** Says something about a commit; who is signed in is its author. Throws Problem. */
export function addComment(repo: string, sha: string, content: string): Promise<Comment> {
  return post(routeOf(`/api/comments/${sha}`, repo), { content }, Comment);
}

/** Deletes a comment of one's own. Throws Problem. */
export function deleteComment(repo: string, sha: string, id: string): Promise<void> {
  return command("DELETE", routeOf(`/api/comments/${sha}/${encodeURIComponent(id)}`, repo));
}
