// SPDX-License-Identifier: Apache-2.0
import { backoff } from "../api/backoff";
import { readHost as readHostOverHttp, type HostSnapshot } from "../api/host";
import type { Message } from "../api/messages";
import { asProblem, Problem } from "../api/problem";
import { openRealtime, type OpenRealtime, type Realtime } from "../api/realtime";
import { signedOut, withHost, type AppState, type Link } from "./app";
import type { Store } from "./store";

/** Unanswered attempts in a row after which the host is called offline rather than reconnecting. */
const OFFLINE_AFTER = 3;

/** A host that says nothing for this many sample intervals, and at least `QUIET_LEAST_MS`, is asked whether it lives. */
const QUIET_INTERVALS = 5;
const QUIET_LEAST_MS = 15_000;

export interface ConnectionParts {
  readonly readHost: () => Promise<HostSnapshot>;
  readonly openRealtime: OpenRealtime;
  readonly random: () => number;
}

/**
 * Keeps the state store at the host's present state: reads it once over HTTP (which tells a lost session from a lost
 * host, as a browser does not say why a WebSocket was refused), then follows the WebSocket, and begins again with
 * growing pauses when it breaks.
 */
export class Connection {
  readonly #store: Store<AppState>;
  readonly #parts: ConnectionParts;
  #socket: Realtime | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #unanswered = 0;
  /** Which of the two ways the last failure came by: a success by the other does not undo it. */
  #failedBy: "http" | "socket" | null = null;
  #freshSession = false;
  /** Raised by every start and stop, so that an answer to an earlier one is known as such. */
  #round = 0;
  /** Sequence numbers count within one socket: a restarted agent begins anew. */
  #socketSeq: number | null = null;
  #updatesSeq: number | null = null;

  constructor(store: Store<AppState>, parts: Partial<ConnectionParts> = {}) {
    this.#store = store;
    this.#parts = { readHost: readHostOverHttp, openRealtime, random: Math.random, ...parts };
  }

  /** Begins, or begins again at once where a pause was running. `freshSession`: the host has just granted one. */
  start(freshSession = false): void {
    this.#quit();
    this.#freshSession = freshSession;
    this.#setLink({ retryAt: null });
    void this.#tryOnce(this.#round);
  }

  /** A new attempt now, if one is being waited for (the person asked, the network or the page came back). */
  hurry(): void {
    if (this.#store.get().link.retryAt === null) return;
    this.#attempt = 0;
    this.start();
  }

  /** Asks a host that seems live whether it is (the machine slept, the network changed). */
  verify(): void {
    if (this.#store.get().link.state === "live") void this.#askWhetherAlive(this.#round);
  }

  stop(): void {
    this.#quit();
    this.#attempt = 0;
    this.#unanswered = 0;
    this.#failedBy = null;
  }

  #quit(): void {
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
  }

  async #tryOnce(round: number): Promise<void> {
    try {
      const host = await this.#parts.readHost();
      if (round !== this.#round) return;
      this.#unanswered = 0;
      this.#freshSession = false;
      if (this.#failedBy === "http") this.#settled();
      this.#apply(host, null);
    } catch (thrown) {
      if (round === this.#round) this.#failed(asProblem(thrown), "http");
      return;
    }
    this.#socketSeq = null;
    this.#updatesSeq = null;
    this.#socket = this.#parts.openRealtime({
      message: (message) => {
        if (round === this.#round) this.#received(message);
      },
      closed: (why) => {
        if (round === this.#round) this.#failed(why, "socket");
      },
    });
  }

  #received(message: Message): void {
    if (message.type === "connected") {
      this.#attempt = 0;
      this.#settled();
      const { version, interval_ms: intervalMs } = message;
      this.#store.update((state) => ({
        ...state,
        version,
        firstVersion: state.firstVersion ?? version,
        intervalMs,
        link: { state: "live", since: Date.now(), retryAt: null },
      }));
    } else if (message.type === "host") {
      // Gaps are no loss: each message is the whole state, and a slow reader is sent the newest only.
      if (this.#socketSeq === null || message.seq > this.#socketSeq) {
        this.#socketSeq = message.seq;
        this.#apply(message.data, message.seq);
      }
    } else if (message.type === "updates") {
      if (this.#updatesSeq === null || message.seq > this.#updatesSeq) {
        this.#updatesSeq = message.seq;
        const { data } = message;
        this.#store.update((state) => ({ ...state, updates: { data, receivedAt: Date.now() } }));
      }
    }
    this.#watch();
  }

  /** A broken path can leave a socket that is open and silent for ever; ask over HTTP when it is silent too long. */
  #watch(): void {
    clearTimeout(this.#timer);
    const quiet = Math.max(QUIET_LEAST_MS, QUIET_INTERVALS * this.#store.get().intervalMs);
    const round = this.#round;
    this.#timer = setTimeout(() => void this.#askWhetherAlive(round), quiet);
  }

  async #askWhetherAlive(round: number): Promise<void> {
    try {
      const host = await this.#parts.readHost();
      if (round !== this.#round) return;
      this.#apply(host, null);
      this.#watch();
    } catch (thrown) {
      if (round === this.#round) this.#failed(asProblem(thrown), "http");
    }
  }

  #settled(): void {
    this.#failedBy = null;
    this.#store.update((state) => ({ ...state, problem: null }));
  }

  #apply(host: HostSnapshot, seq: number | null): void {
    this.#store.update((state) => withHost(state, host, Date.now(), seq));
  }

  #failed(why: Problem, by: "http" | "socket"): void {
    this.#quit();
    if (why.kind === "unauthorized") {
      this.#sessionLost(why);
      return;
    }
    this.#failedBy = by;
    this.#unanswered = by === "http" && why.kind === "network" ? this.#unanswered + 1 : this.#unanswered;
    const wait = backoff(this.#attempt, this.#parts.random);
    this.#attempt += 1;
    const now = Date.now();
    const { link } = this.#store.get();
    const lost = link.state === "connecting" ? "connecting" : "reconnecting";
    this.#store.update((state) => ({ ...state, problem: why }));
    this.#setLink({
      state: this.#unanswered >= OFFLINE_AFTER ? "offline" : lost,
      // Since the loss, not since the last of the attempts.
      since: link.state === "live" ? now : link.since,
      retryAt: now + wait,
    });
    this.#timer = setTimeout(() => {
      this.start();
    }, wait);
  }

  #sessionLost(why: Problem): void {
    const fresh = this.#freshSession;
    const wasIn = this.#store.get().held !== null;
    this.stop();
    const noCookie = new Problem(
      "unauthorized",
      "no_cookie",
      "The token is right, but this browser did not keep the session.",
      "Allow cookies for this address and sign in again.",
    );
    // A first visit is no failure: there is just no session yet.
    this.#store.set(signedOut(Date.now(), fresh ? noCookie : wasIn ? why : null));
  }

  #setLink(change: Partial<Link>): void {
    this.#store.update((state) => ({ ...state, link: { ...state.link, ...change } }));
  }
}
