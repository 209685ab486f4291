// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { backoff } from "./backoff";
import { figure } from "./parts";

const Told = v.looseObject({
  type: v.string(),
  repo: v.optional(v.string()),
  seq: v.optional(figure),
  data: v.optional(v.looseObject({ generation: v.optional(figure) })),
});

/** What may make the graph another one. The rest is progress, or about the host. */
const CHANGES: ReadonlySet<string> = new Set([
  "new_commit",
  "branch_created",
  "branch_moved",
  "branch_deleted",
  "head",
  "reloaded",
  "resync",
]);

export interface LiveEvents {
  /** Something has changed; `generation` is that of the host where it says so. */
  readonly changed: (generation: number | null) => void;
  /** Whether changes are heard of now. */
  readonly heard: (heard: boolean) => void;
}

export type Follow = (repo: string, events: LiveEvents) => () => void;

/** The address at which one repository is followed, from the change after `since` on. */
export function liveAddress(repo: string, since: number | null): string {
  const url = new URL("/api/realtime", window.location.href);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  url.searchParams.set("repo", repo);
  if (since !== null) url.searchParams.set("since", since.toString());
  return url.href;
}

/**
 * Follows a repository until the answer is called; connects again after breaks, with growing pauses. What it hears are
 * hints to read anew: a message that is lost or comes twice does no harm.
 */
export const follow: Follow = (repo, { changed, heard }) => {
  let over = false;
  let attempt = 0;
  let since: number | null = null;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const take = (frame: unknown): void => {
    let value: unknown;
    try {
      value = JSON.parse(String(frame));
    } catch {
      return;
    }
    const told = v.safeParse(Told, value);
    if (!told.success || told.output.repo !== repo) return;
    const { type, seq, data } = told.output;
    if (typeof seq === "number") since = seq;
    if (type === "repo") {
      attempt = 0;
      heard(true);
      // What changed between the reading of the graph and this is told by nobody else.
      changed(data?.generation ?? null);
    } else if (CHANGES.has(type)) changed(null);
  };
  const open = (): void => {
    const mine = new WebSocket(liveAddress(repo, since));
    socket = mine;
    mine.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (!over) take(event.data);
    });
    mine.addEventListener("close", () => {
      if (over) return;
      heard(false);
      timer = setTimeout(open, backoff(attempt));
      attempt += 1;
    });
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    const last = socket;
    // Closing during the handshake would make browsers log a failed connection.
    if (last?.readyState === WebSocket.CONNECTING)
      last.addEventListener("open", () => {
        last.close();
      });
    else last?.close();
  };
};
