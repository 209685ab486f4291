// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { HostSnapshot } from "../src/api/host";
import { Problem } from "../src/api/problem";
import type { RealtimeEvents } from "../src/api/realtime";
import { initialState, isStale, pageState, verdictNow, type AppState } from "../src/state/app";
import { Connection } from "../src/state/connection";
import { createStore } from "../src/state/store";
import { snapshot } from "./fixture";
import { updates } from "./updates";

const NOBODY = new Problem("network", "no_answer", "The host did not answer.");
const LOST = new Problem("network", "closed", "The live connection was lost.");
const NO_SESSION = new Problem("unauthorized", "unauthorized", "The session has ended.");

function setUp() {
  const state = createStore<AppState>({ ...initialState(Date.now()), phase: "signed-in" });
  const readHost = vi.fn<() => Promise<HostSnapshot>>().mockResolvedValue(snapshot());
  const sockets: { events: RealtimeEvents; close: ReturnType<typeof vi.fn> }[] = [];
  const connection = new Connection(state, {
    readHost,
    openRealtime: (events) => {
      const close = vi.fn();
      sockets.push({ events, close });
      return { close };
    },
    random: () => 1,
  });
  const socket = () => {
    const last = sockets.at(-1);
    if (last === undefined) throw new Error("No socket was opened.");
    return last;
  };
  const connected = (version = "0.1.57") => {
    socket().events.message({ type: "connected", version, interval_ms: 2000 });
  };
  const host = (seq: number, change: Record<string, unknown> = {}) => {
    socket().events.message({ type: "host", seq, data: snapshot(change) });
  };
  const goLive = async () => {
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
    connected();
    host(1);
  };
  return { state, readHost, sockets, connection, socket, connected, host, goLive };
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T09:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the way up", () => {
  test("reads over HTTP, then follows the socket", async () => {
    const { state, goLive } = setUp();
    await goLive();
    expect(state.get()).toMatchObject({ seq: 1, version: "0.1.57", problem: null, link: { state: "live" } });
    expect(pageState(state.get())).toBe("ready");
  });

  test("without a session the person is asked to sign in, without reproach", async () => {
    const { state, readHost, connection, sockets } = setUp();
    readHost.mockRejectedValue(NO_SESSION);
    connection.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.get()).toMatchObject({ phase: "signed-out", signInProblem: null });
    expect(readHost).toHaveBeenCalledOnce();
    expect(sockets).toHaveLength(0);
  });

  test("a session that was granted and not kept is explained", async () => {
    const { state, readHost, connection } = setUp();
    readHost.mockRejectedValue(NO_SESSION);
    connection.start(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(state.get().signInProblem?.code).toBe("no_cookie");
  });

  test("nothing read yet and nobody answers: offline, with the reason", async () => {
    const { state, readHost, connection } = setUp();
    readHost.mockRejectedValue(NOBODY);
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(pageState(state.get())).toBe("offline");
    expect(verdictNow(state.get())).toBeNull();
  });

  test("nothing read yet and the agent cannot: error, then ready when it can", async () => {
    const { state, readHost, connection, connected } = setUp();
    readHost.mockRejectedValueOnce(new Problem("server", "not_ready", "No sample yet."));
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(pageState(state.get())).toBe("error");
    await vi.advanceTimersByTimeAsync(1000);
    expect(pageState(state.get())).toBe("ready");
    connected();
    expect(state.get().link.state).toBe("live");
  });
});

describe("messages", () => {
  test("an old or repeated number is passed over, a gap is not", async () => {
    const { state, goLive, host } = setUp();
    await goLive();
    host(5, { hostname: "five" });
    host(5, { hostname: "again" });
    host(4, { hostname: "four" });
    expect(state.get().held?.host.hostname).toBe("five");
    expect(state.get().seq).toBe(5);
  });

  test("updates have numbers of their own, and are forgotten with the session", async () => {
    const { state, goLive, socket } = setUp();
    await goLive();
    const say = (seq: number, reason: string) => {
      socket().events.message({ type: "updates", seq, data: updates(null, { reason }) });
    };
    say(1, "one");
    say(1, "again");
    say(3, "three");
    say(2, "late");
    expect(state.get().updates?.data.reason).toBe("three");
    expect(state.get().seq).toBe(1);
    socket().events.closed(NO_SESSION);
    expect(state.get().updates).toBeNull();
  });

  test("numbers begin anew with a new socket", async () => {
    const { state, goLive, socket, connected, host } = setUp();
    await goLive();
    host(900);
    socket().events.closed(LOST);
    await vi.advanceTimersByTimeAsync(1000);
    connected();
    host(2, { hostname: "restarted" });
    expect(state.get()).toMatchObject({ seq: 2, held: { host: { hostname: "restarted" } } });
  });

  test("another version after a reconnect is noticed", async () => {
    const { state, goLive, socket, connected } = setUp();
    await goLive();
    socket().events.closed(LOST);
    await vi.advanceTimersByTimeAsync(1000);
    connected("0.1.58");
    expect(state.get()).toMatchObject({ firstVersion: "0.1.57", version: "0.1.58" });
  });

  test("what a closed socket still says is not heard", async () => {
    const { state, goLive, socket } = setUp();
    await goLive();
    const { events } = socket();
    events.closed(LOST);
    events.message({ type: "host", seq: 9, data: snapshot({ hostname: "ghost" }) });
    expect(state.get().held?.host.hostname).toBe("codex");
  });
});

describe("the way down", () => {
  test("a lost socket makes the state stale at once, and keeps it", async () => {
    const { state, goLive, socket } = setUp();
    await goLive();
    socket().events.closed(LOST);
    expect(state.get().link).toMatchObject({ state: "reconnecting", retryAt: Date.now() + 1000 });
    expect(isStale(state.get())).toBe(true);
    expect(state.get().held).not.toBeNull();
    expect(verdictNow(state.get())).toBe("healthy");
  });

  test("after three attempts without an answer the host is offline and its verdict unknown", async () => {
    const { state, goLive, readHost, socket } = setUp();
    await goLive();
    const since = Date.now();
    readHost.mockRejectedValue(NOBODY);
    socket().events.closed(LOST);
    await vi.advanceTimersByTimeAsync(1000);
    await vi.advanceTimersByTimeAsync(2000);
    expect(state.get().link.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(4000);
    expect(state.get().link).toMatchObject({ state: "offline", since });
    expect(pageState(state.get())).toBe("offline");
    expect(verdictNow(state.get())).toBe("unknown");
  });

  test("pauses grow to 30 s, and start small again after a success", async () => {
    const { state, goLive, readHost, socket, connected } = setUp();
    await goLive();
    readHost.mockRejectedValue(NOBODY);
    socket().events.closed(LOST);
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const pause = (state.get().link.retryAt ?? 0) - Date.now();
      pauses.push(pause);
      await vi.advanceTimersByTimeAsync(pause);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    readHost.mockResolvedValue(snapshot());
    await vi.advanceTimersByTimeAsync(30_000);
    connected();
    expect(state.get().link).toMatchObject({ state: "live", retryAt: null });
    socket().events.closed(LOST);
    expect((state.get().link.retryAt ?? 0) - Date.now()).toBe(1000);
  });

  test("sockets that always fail do not make a host offline that answers over HTTP", async () => {
    const { state, goLive, socket } = setUp();
    await goLive();
    const refused = new Problem("refused", "origin", "Wrong origin.");
    for (let round = 0; round < 6; round += 1) {
      socket().events.closed(refused);
      await vi.advanceTimersByTimeAsync(30_000);
    }
    expect(state.get().link.state).toBe("reconnecting");
    expect(state.get().problem).toBe(refused);
    expect(pageState(state.get())).toBe("error");
  });

  test("hurry() tries at once and only while a pause runs", async () => {
    const { state, goLive, readHost, socket, connection } = setUp();
    await goLive();
    connection.hurry();
    expect(readHost).toHaveBeenCalledTimes(1);
    socket().events.closed(LOST);
    connection.hurry();
    expect(readHost).toHaveBeenCalledTimes(2);
    expect(state.get().link.retryAt).toBeNull();
    connection.hurry();
    expect(readHost).toHaveBeenCalledTimes(2);
  });

  test("a session that ended asks for the token and forgets what was read", async () => {
    const { state, goLive, socket, readHost } = setUp();
    await goLive();
    socket().events.closed(NO_SESSION);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.get()).toMatchObject({ phase: "signed-out", signInProblem: NO_SESSION, held: null, history: [] });
    expect(readHost).toHaveBeenCalledTimes(1);
  });

  test("stop() ends timers and the socket, and late answers are dropped", async () => {
    const { state, readHost, connection, sockets } = setUp();
    connection.start();
    connection.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(readHost).toHaveBeenCalledOnce();
    expect(sockets).toHaveLength(0);
    expect(state.get().held).toBeNull();
  });
});

describe("a silent socket", () => {
  test("is asked over HTTP, and lives on where the host answers", async () => {
    const { state, goLive, readHost, sockets } = setUp();
    await goLive();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(readHost).toHaveBeenCalledTimes(2);
    expect(state.get().link.state).toBe("live");
    expect(state.get().held?.receivedAt).toBe(Date.now());
    expect(sockets).toHaveLength(1);
  });

  test("is given up where the host does not answer", async () => {
    const { state, goLive, readHost, socket } = setUp();
    await goLive();
    readHost.mockRejectedValue(NOBODY);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(socket().close).toHaveBeenCalled();
    expect(state.get().link.state).toBe("reconnecting");
  });

  test("each message puts the question off", async () => {
    const { goLive, readHost, host } = setUp();
    await goLive();
    for (let seq = 2; seq < 20; seq += 1) {
      await vi.advanceTimersByTimeAsync(10_000);
      host(seq);
    }
    expect(readHost).toHaveBeenCalledTimes(1);
  });

  test("verify() asks at once", async () => {
    const { goLive, readHost, connection } = setUp();
    await goLive();
    connection.verify();
    expect(readHost).toHaveBeenCalledTimes(2);
  });
});
