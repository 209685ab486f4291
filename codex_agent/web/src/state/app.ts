// SPDX-License-Identifier: Apache-2.0
import type { HostSnapshot, VerdictState } from "../api/host";
import type { Problem } from "../api/problem";
import type { Updates } from "../api/updates";
import { remember, type Sample } from "./history";

/**
 * How the page stands with the host.
 * - `connecting`: for the first time
 * - `live`: the socket is up and the host speaks
 * - `reconnecting`: lost a moment ago, tried again
 * - `offline`: tried several times, nobody answers
 */
export interface Link {
  readonly state: "connecting" | "live" | "reconnecting" | "offline";
  /** When this state, or the loss before it, began (this machine's clock, ms). */
  readonly since: number;
  /** When the next attempt begins, null while one runs. */
  readonly retryAt: number | null;
}

/** A snapshot and when it came here: ages and uptime go on from then. */
export interface Held {
  readonly host: HostSnapshot;
  readonly receivedAt: number;
}

/** How updates stand, and when that came here. */
export interface HeldUpdates {
  readonly data: Updates;
  readonly receivedAt: number;
}

export interface AppState {
  readonly phase: "starting" | "signing-in" | "signed-out" | "signed-in";
  /** Why the person is asked to sign in, or why it did not work. */
  readonly signInProblem: Problem | null;
  readonly link: Link;
  readonly held: Held | null;
  readonly updates: HeldUpdates | null;
  /** The last WebSocket sequence number that was applied. */
  readonly seq: number | null;
  readonly history: readonly Sample[];
  /** Why the last attempt to follow the host failed; null once one succeeded. */
  readonly problem: Problem | null;
  readonly intervalMs: number;
  /** The agent's version at the first connection, and the one that answers now. */
  readonly firstVersion: string | null;
  readonly version: string | null;
}

export function initialState(now: number): AppState {
  return {
    phase: "starting",
    signInProblem: null,
    link: { state: "connecting", since: now, retryAt: null },
    held: null,
    updates: null,
    seq: null,
    history: [],
    problem: null,
    intervalMs: 2_000,
    firstVersion: null,
    version: null,
  };
}

function isOlder(host: HostSnapshot, held: Held | null): boolean {
  if (held?.host.boot_id !== host.boot_id) return false;
  return Date.parse(host.taken_at) < Date.parse(held.host.taken_at);
}

/** A snapshot arrived, by WebSocket (with `seq`) or by HTTP (without). */
export function withHost(state: AppState, host: HostSnapshot, now: number, seq: number | null): AppState {
  // A slow HTTP answer may be overtaken by the WebSocket's messages.
  if (seq === null && isOlder(host, state.held)) return state;
  return {
    ...state,
    held: { host, receivedAt: now },
    seq: seq ?? state.seq,
    history: remember(state.history, host),
  };
}

/** The person is asked to sign in; everything that was read is forgotten. */
export function signedOut(now: number, why: Problem | null): AppState {
  return { ...initialState(now), phase: "signed-out", signInProblem: why };
}

export type PageState = "loading" | "signed-out" | "ready" | "offline" | "error";

/** The page's state in one word, as `<html data-state>` shows it. */
export function pageState(state: AppState): PageState {
  if (state.phase === "signed-out") return "signed-out";
  if (state.phase !== "signed-in") return "loading";
  if (state.held === null) {
    if (state.problem === null) return "loading";
    return state.problem.kind === "network" ? "offline" : "error";
  }
  if (state.problem !== null && state.problem.kind !== "network") return "error";
  return state.link.state === "offline" ? "offline" : "ready";
}

/** True where what is shown may no longer be so: the host has not been heard since the link was lost. */
export function isStale(state: AppState): boolean {
  return state.link.state === "reconnecting" || state.link.state === "offline";
}

/** The verdict that may be claimed now: a host that cannot be heard is unknown, whatever it said last. */
export function verdictNow(state: AppState): VerdictState | null {
  if (state.held === null) return null;
  return state.link.state === "offline" || pageState(state) === "error" ? "unknown" : state.held.host.verdict.state;
}
