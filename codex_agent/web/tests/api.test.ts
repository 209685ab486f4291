// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { backoff } from "../src/api/backoff";
import { readHost } from "../src/api/host";
import { readMessage } from "../src/api/messages";
import { Problem } from "../src/api/problem";
import { closeSession, openSession } from "../src/api/session";
import { sent } from "./fixture";

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function answers(status: number, body: unknown): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  fetched.mockResolvedValue(new Response(status === 204 ? null : text, { status }));
}

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const thrown: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (thrown instanceof Problem) return thrown;
  throw new Error(`No Problem was thrown but ${String(thrown)}`);
}

describe("GET /api/host", () => {
  test("gives the snapshot of the envelope", async () => {
    answers(200, { success: true, data: sent(), error: null });
    const host = await readHost();
    expect(host.hostname).toBe("codex");
    expect(host.verity?.state).toBe("active");
  });

  test("keys that this page does not know are no error, absent ones are null", async () => {
    answers(200, { success: true, data: sent({ later: 1, slot: undefined, pci: undefined }), error: null });
    const host = await readHost();
    expect(host.slot).toBeNull();
    expect(host.pci).toBeNull();
  });

  test.each([
    ["a wrong type", sent({ uptime_s: "long" }), "uptime_s"],
    ["another schema", sent({ schema: 2 }), "schema"],
    ["a wrong element", sent({ cpu: { load: [1, "2", 3] } }), "cpu.load.1"],
    ["no verdict", sent({ verdict: undefined }), "verdict"],
    ["nothing", null, ""],
  ])("%s is told with its place", async (_name, data, place) => {
    answers(200, { success: true, data, error: null });
    const problem = await problemOf(readHost());
    expect(problem.kind).toBe("format");
    expect(problem.message).toContain(place);
  });

  test("an error envelope keeps code, sentence and hint", async () => {
    answers(503, {
      success: false,
      data: null,
      error: { code: "not_ready", message: "No sample yet.", hint: "Wait." },
    });
    const problem = await problemOf(readHost());
    expect(problem).toMatchObject({ kind: "server", code: "not_ready", message: "No sample yet.", hint: "Wait." });
  });

  test("401 is unauthorized, whatever its body is", async () => {
    answers(401, "<html>proxy</html>");
    expect((await problemOf(readHost())).kind).toBe("unauthorized");
  });

  test("an answer that is no envelope is told", async () => {
    answers(200, "<html>captive portal</html>");
    expect(await problemOf(readHost())).toMatchObject({ kind: "format", code: "no_envelope" });
  });

  test("success false with status 200 is no success", async () => {
    answers(200, { success: false, data: sent(), error: { code: "odd", message: "Odd.", hint: null } });
    expect((await problemOf(readHost())).code).toBe("odd");
  });

  test("no answer is a network problem with a hint", async () => {
    fetched.mockRejectedValue(new TypeError("Failed to fetch"));
    const problem = await problemOf(readHost());
    expect(problem).toMatchObject({ kind: "network", code: "no_answer" });
    expect(problem.hint).not.toBeNull();
  });

  test("an answer that never comes is a network problem too", async () => {
    fetched.mockRejectedValue(new DOMException("late", "TimeoutError"));
    expect((await problemOf(readHost())).code).toBe("timeout");
  });

  test("is asked with a time limit, from this origin only, past any cache", async () => {
    answers(200, { success: true, data: sent(), error: null });
    await readHost();
    const [path, init] = fetched.mock.calls[0] ?? [];
    expect(path).toBe("/api/host");
    expect(init).toMatchObject({ credentials: "same-origin", cache: "no-store", redirect: "error" });
    expect(init?.signal).toBeInstanceOf(AbortSignal);
  });
});

describe("session", () => {
  test("the token goes in the body, never in the address", async () => {
    answers(204, "");
    await openSession("secret-token");
    const [path, init] = fetched.mock.calls[0] ?? [];
    expect(path).toBe("/api/session");
    expect(init?.method).toBe("POST");
    expect(init?.body).toBe('{"token":"secret-token"}');
  });

  test("too many attempts are told in the host's words", async () => {
    answers(429, { success: false, data: null, error: { code: "rate", message: "Too many.", hint: "Wait 30 s." } });
    expect(await problemOf(openSession("x"))).toMatchObject({
      kind: "refused",
      message: "Too many.",
      hint: "Wait 30 s.",
    });
  });

  test("sign-out is a DELETE without a body", async () => {
    answers(204, "");
    await closeSession();
    const [, init] = fetched.mock.calls[0] ?? [];
    expect(init?.method).toBe("DELETE");
    expect(init?.body).toBeUndefined();
  });
});

describe("messages", () => {
  test("known ones are read", () => {
    expect(readMessage('{"type":"connected","version":"0.1.57","interval_ms":2000}')).toEqual({
      type: "connected",
      version: "0.1.57",
      interval_ms: 2000,
    });
    const host = readMessage(JSON.stringify({ type: "host", seq: 3, data: sent() }));
    expect(host).toMatchObject({ type: "host", seq: 3, data: { hostname: "codex" } });
  });

  test("ones for a later page are passed over", () => {
    expect(readMessage('{"type":"new_commit","commit":{}}')).toEqual({ type: "other", name: "new_commit" });
  });

  test.each([
    ["no JSON", "{"],
    ["no type", '{"seq":1}'],
    ["a list", "[]"],
    ["a known type in another form", '{"type":"host","seq":"1","data":{}}'],
    ["a binary frame", new ArrayBuffer(2)],
  ])("%s is a problem", (_name, frame) => {
    expect(() => readMessage(frame)).toThrow(Problem);
  });
});

describe("backoff", () => {
  test("doubles from 1 s to 30 s", () => {
    const longest = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => backoff(attempt, () => 1));
    expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("chance takes away up to a half", () => {
    expect(backoff(3, () => 0)).toBe(4000);
    expect(backoff(3, () => 0.5)).toBe(6000);
  });
});
