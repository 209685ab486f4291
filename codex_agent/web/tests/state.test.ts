// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Problem } from "../src/api/problem";
import { initialState, isStale, pageState, verdictNow, withHost, type AppState } from "../src/state/app";
import type { Connection } from "../src/state/connection";
import { remember } from "../src/state/history";
import { Session } from "../src/state/session";
import { createStore } from "../src/state/store";
import { snapshot } from "./fixture";

const WRONG = new Problem("unauthorized", "unauthorized", "The token is not valid.");

function at(second: number, change: Record<string, unknown> = {}) {
  const stamp = new Date(Date.parse("2026-11-22T09:00:00Z") + second * 1000).toISOString();
  return snapshot({ taken_at: stamp, ...change });
}

describe("history", () => {
  test("keeps five minutes of samples and no more", () => {
    let history = remember([], at(0));
    for (let second = 2; second <= 2000; second += 2) history = remember(history, at(second));
    expect(history).toHaveLength(150);
    expect(history.at(-1)?.at).toBe(Date.parse("2026-11-22T09:00:00Z") + 2_000_000);
  });

  test("the same sample twice is one", () => {
    expect(remember(remember([], at(0)), at(0))).toHaveLength(1);
  });

  test("another boot, or a clock that went back, begins anew", () => {
    const history = remember(remember([], at(0)), at(2));
    expect(remember(history, at(4, { boot_id: "other" }))).toHaveLength(1);
    expect(remember(history, at(1))).toHaveLength(1);
  });

  test("a pressure that could not be read is a hole, not 0", () => {
    const [sample] = remember([], at(0, { cpu: { count: 2, load: null, pressure: null }, io: null }));
    expect(sample).toMatchObject({ cpu: { some: null, full: null }, io: { some: null, full: null } });
    expect(sample?.memory.some).toBe(1.5);
  });

  test("a snapshot without a time is not drawn", () => {
    expect(remember([], snapshot({ taken_at: "soon" }))).toEqual([]);
  });
});

describe("page state", () => {
  const base: AppState = { ...initialState(0), phase: "signed-in" };
  const held = withHost(base, at(0), 0, 1);

  test("an HTTP answer that was overtaken does not turn the clock back", () => {
    const newer = withHost(base, at(10), 10, 7);
    expect(withHost(newer, at(8), 11, null)).toBe(newer);
    expect(withHost(newer, at(8, { boot_id: "after a reboot" }), 11, null).held?.host.boot_id).toBe("after a reboot");
  });

  test.each<[string, AppState, string]>([
    ["at the start", initialState(0), "loading"],
    ["signed out", { ...base, phase: "signed-out" }, "signed-out"],
    ["reading", base, "loading"],
    ["nobody answers the first time", { ...base, problem: new Problem("network", "x", "x") }, "offline"],
    ["refused the first time", { ...base, problem: new Problem("refused", "x", "x") }, "error"],
    ["with a host", held, "ready"],
    ["reconnecting", { ...held, link: { state: "reconnecting", since: 0, retryAt: 1 } }, "ready"],
    ["offline", { ...held, link: { state: "offline", since: 0, retryAt: 1 } }, "offline"],
    ["an answer in an unknown form", { ...held, problem: new Problem("format", "x", "x") }, "error"],
  ])("%s it is the right word", (_name, state, word) => {
    expect(pageState(state)).toBe(word);
  });

  test("a host that cannot be heard is never called healthy", () => {
    expect(verdictNow(held)).toBe("healthy");
    expect(verdictNow({ ...held, link: { state: "offline", since: 0, retryAt: 1 } })).toBe("unknown");
    expect(verdictNow({ ...held, problem: new Problem("format", "x", "x") })).toBe("unknown");
  });

  test("stale is what a lost link left behind, not what the first reading brings", () => {
    expect(isStale(held)).toBe(false);
    expect(isStale({ ...held, link: { state: "reconnecting", since: 0, retryAt: 1 } })).toBe(true);
  });
});

describe("session", () => {
  const start = vi.fn();
  const stop = vi.fn();
  const connection = { start, stop } as unknown as Connection;

  beforeEach(() => {
    start.mockReset();
    stop.mockReset();
  });
  afterEach(() => {
    localStorage.clear();
  });

  function setUp(opens: (token: string) => Promise<void>, closes: () => Promise<void> = () => Promise.resolve()) {
    const state = createStore(initialState(0));
    return { state, session: new Session(state, connection, { openSession: opens, closeSession: closes }) };
  }

  test("a good token starts the connection, and nothing keeps it", async () => {
    const { state, session } = setUp(() => Promise.resolve());
    await expect(session.signIn("  secret-token\n")).resolves.toBe(true);
    expect(start).toHaveBeenCalledWith(true);
    expect(state.get().phase).toBe("signed-in");
    expect(JSON.stringify(state.get())).not.toContain("secret-token");
    expect(localStorage).toHaveLength(0);
    expect(document.cookie).toBe("");
  });

  test("spaces around the token are not part of it", async () => {
    const opens = vi.fn(() => Promise.resolve());
    await setUp(opens).session.signIn("  secret-token\n");
    expect(opens).toHaveBeenCalledWith("secret-token");
  });

  test("a wrong token is told, and nothing is connected", async () => {
    const { state, session } = setUp(() => Promise.reject(WRONG));
    await expect(session.signIn("x")).resolves.toBe(false);
    expect(state.get()).toMatchObject({ phase: "signed-out", signInProblem: WRONG });
    expect(start).not.toHaveBeenCalled();
  });

  test("an empty field asks nobody", async () => {
    const opens = vi.fn(() => Promise.resolve());
    const { state, session } = setUp(opens);
    await session.signIn("   ");
    expect(opens).not.toHaveBeenCalled();
    expect(state.get().signInProblem?.code).toBe("no_token");
  });

  test("signing out forgets the host at once and tells when it was not confirmed", async () => {
    const nobody = new Problem("network", "no_answer", "The host did not answer.");
    const { state, session } = setUp(
      () => Promise.resolve(),
      () => Promise.reject(nobody),
    );
    state.set({ ...withHost(state.get(), snapshot(), 0, 1), phase: "signed-in" });
    const done = session.signOut();
    expect(stop).toHaveBeenCalled();
    expect(state.get()).toMatchObject({ phase: "signed-out", held: null, seq: null, signInProblem: null });
    await done;
    expect(state.get().signInProblem?.code).toBe("not_ended");
  });

  test("signing out of a session that was over already is no problem", async () => {
    const { state, session } = setUp(
      () => Promise.resolve(),
      () => Promise.reject(WRONG),
    );
    await session.signOut();
    expect(state.get().signInProblem).toBeNull();
  });
});
