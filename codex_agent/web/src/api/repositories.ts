// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { RunReader } from "./columns";
import { get, receive } from "./http";
import { figure, flag, maybe, text } from "./parts";

const Progress = v.looseObject({ done: figure, total: figure, reason: text });

/** A repository that the host shows; what is not known yet is null. */
export const Repository = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  name: v.string(),
  state: v.picklist(["new", "reading", "ready", "failed"]),
  reason: text,
  birth: text,
  generation: figure,
  commits: figure,
  seq: figure,
  head: text,
  head_sha: text,
  kind: text,
  object_format: text,
  shallow: flag,
  partial: flag,
  files: maybe(Progress),
  lines: maybe(Progress),
});

export type Repository = v.InferOutput<typeof Repository>;

/** The address of a route of a repository. */
export function routeOf(path: string, repo: string, fields: Readonly<Record<string, string>> = {}): string {
  return `${path}?${new URLSearchParams({ repo, ...fields }).toString()}`;
}

/** The repositories that this host shows. Throws Problem. */
export function listRepositories(): Promise<Repository[]> {
  return get("/api/repos", v.array(Repository));
}

async function runs(path: string, take: (run: Uint8Array<ArrayBuffer>) => void, signal: AbortSignal): Promise<void> {
  const reader = new RunReader();
  await receive(
    path,
    (piece) => {
      for (const run of reader.push(piece)) take(run);
    },
    signal,
  );
  if (!signal.aborted) reader.end();
}

/** The graph of a repository, as runs of columns, the newest commits first. Throws Problem. */
export function receiveGraph(
  repo: string,
  take: (run: Uint8Array<ArrayBuffer>) => void,
  signal: AbortSignal,
): Promise<void> {
  return runs(routeOf("/api/graph", repo, { ids: "true" }), take, signal);
}

/** Which files each commit changed, in the same form. Throws Problem. */
export function receiveFiles(
  repo: string,
  take: (run: Uint8Array<ArrayBuffer>) => void,
  signal: AbortSignal,
): Promise<void> {
  return runs(routeOf("/api/files/stream", repo), take, signal);
}
