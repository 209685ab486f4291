// SPDX-License-Identifier: Apache-2.0
import { vi, type Mock } from "vitest";

import type { Graph } from "../src/views/repositories/data/graph";
import { layoutOf, type Layout } from "../src/views/repositories/layout/layout";
import type { Source } from "../src/views/repositories/state/source";
import { anyHistory, PEOPLE, runsOf, sha, type Given } from "./histories";

export const HISTORY = anyHistory(9, 120);

export type Mocked = { readonly [K in keyof Source]: Mock<Source[K]> };

export function source(history: readonly Given[] = HISTORY, change: Partial<Mocked> = {}): Mocked {
  return {
    graph: vi.fn<Source["graph"]>((take) => {
      runsOf(history, PEOPLE).forEach(take);
      return Promise.resolve();
    }),
    files: vi.fn<Source["files"]>(() => Promise.resolve()),
    search: vi.fn<Source["search"]>(() => Promise.resolve({ data: [{ sha: sha(3) }, { sha: "unknown" }], cut: null })),
    commit: vi.fn<Source["commit"]>((id) =>
      Promise.resolve({
        sha: id,
        message: "Fix it",
        author: "Ann <script>",
        author_email: "ann@example.org",
        timestamp: "2026-01-02T03:04:05Z",
        branch: "main",
        parents: [sha(0)],
        body: "Fix it\n\nBecause \u202eof this.\n",
        authored_at: null,
        committer: "Keeper",
        committer_email: "keeper@example.org",
        refs: ["main"],
        files: [
          { status: "M", path: "src/a.c", old_path: null, additions: 3, deletions: 1, mode: "100644" },
          { status: "A", path: "logo.png", old_path: null, additions: null, deletions: null, mode: "100644" },
        ],
        files_total: 2,
      }),
    ),
    patch: vi.fn<Source["patch"]>(() => Promise.resolve({ text: PATCH, bytes: PATCH.length })),
    compare: vi.fn<Source["compare"]>((old, id) =>
      Promise.resolve({
        old,
        new: id,
        merge_base: null,
        files: [{ status: "D", path: "gone.c", old_path: null, additions: 0, deletions: 9, mode: "000000" }],
        files_total: 1,
        additions: 0,
        deletions: 9,
      }),
    ),
    comments: vi.fn<Source["comments"]>(() => Promise.resolve([])),
    addComment: vi.fn<Source["addComment"]>((id, content) => Promise.resolve(comment(id, content))),
    deleteComment: vi.fn<Source["deleteComment"]>(() => Promise.resolve()),
    messages: vi.fn<Source["messages"]>((shas) =>
      Promise.resolve(
        shas.map((id) => ({
          sha: id,
          message: `About ${id.slice(0, 4)}`,
          author: "Ann",
          author_email: "ann@example.org",
          timestamp: null,
          branch: null,
          parents: [],
        })),
      ),
    ),
    ...change,
  };
}

export function comment(id: string, content: string) {
  return { id: "c1", commit_sha: id, author: "operator", content, created_at: "2026-01-02T03:04:05Z" };
}

export const PATCH = `diff --git a/src/a.c b/src/a.c
index 1..2 100644
--- a/src/a.c
+++ b/src/a.c
@@ -1,2 +1,2 @@
 same
-old
+new
`;

export const layOut = (graph: Graph): Promise<Layout> => Promise.resolve(layoutOf(graph));
