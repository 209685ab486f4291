// SPDX-License-Identifier: Apache-2.0
import { asProblem, Problem } from "../api/problem";
import { closeSession, openSession } from "../api/session";
import { signedOut, type AppState } from "./app";
import type { Connection } from "./connection";
import type { Store } from "./store";

export interface SessionParts {
  readonly openSession: (token: string) => Promise<void>;
  readonly closeSession: () => Promise<void>;
}

/** Signs in and out. The token passes through and is kept nowhere. */
export class Session {
  readonly #store: Store<AppState>;
  readonly #connection: Connection;
  readonly #parts: SessionParts;

  constructor(store: Store<AppState>, connection: Connection, parts: Partial<SessionParts> = {}) {
    this.#store = store;
    this.#connection = connection;
    this.#parts = { openSession, closeSession, ...parts };
  }

  /** Goes on with the session that the browser may hold; the host says whether it is still good. */
  resume(): void {
    this.#store.update((state) => ({ ...state, phase: "signed-in" }));
    this.#connection.start();
  }

  /** Exchanges the token for a session; what went wrong stands in the state. True when signed in. */
  async signIn(token: string): Promise<boolean> {
    const trimmed = token.trim();
    if (trimmed === "") {
      this.#refused(new Problem("refused", "no_token", "Enter the host's token."));
      return false;
    }
    this.#connection.stop();
    this.#store.set({ ...signedOut(Date.now(), null), phase: "signing-in" });
    try {
      await this.#parts.openSession(trimmed);
    } catch (thrown) {
      this.#refused(asProblem(thrown));
      return false;
    }
    this.#store.update((state) => ({ ...state, phase: "signed-in" }));
    this.#connection.start(true);
    return true;
  }

  /** Ends the session here at once, and on the host; says so when the host did not confirm it. */
  async signOut(): Promise<void> {
    this.#connection.stop();
    this.#store.set(signedOut(Date.now(), null));
    try {
      await this.#parts.closeSession();
    } catch (thrown) {
      const problem = asProblem(thrown);
      // A session that the host no longer knows is over as well.
      if (problem.kind === "unauthorized") return;
      this.#refused(
        new Problem(
          problem.kind,
          "not_ended",
          "The host did not confirm that the session has ended.",
          "It ends by itself within 12 hours; `codex token rotate` on the host ends all sessions now.",
        ),
      );
    }
  }

  #refused(why: Problem): void {
    // A late answer must not throw out a person who has signed in meanwhile.
    if (this.#store.get().phase === "signed-in") return;
    this.#store.set(signedOut(Date.now(), why));
  }
}
