// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Message } from "../src/api/messages";
import type { Problem } from "../src/api/problem";
import { openRealtime } from "../src/api/realtime";

class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static last: FakeSocket;
  closed = false;
  readyState = 1;

  constructor(readonly url: string) {
    super();
    FakeSocket.last = this;
  }

  close(): void {
    this.closed = true;
  }

  say(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  end(code: number): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const message = vi.fn<(message: Message) => void>();
const closed = vi.fn<(why: Problem) => void>();

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
  message.mockReset();
  closed.mockReset();
});

function open() {
  const connection = openRealtime({ message, closed });
  return { connection, socket: FakeSocket.last };
}

test("asks this origin, by wss where the page came by https", () => {
  const { socket } = open();
  expect(socket.url).toBe(
    `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}/api/realtime`,
  );
});

test.each([
  [4401, "unauthorized"],
  [4403, "refused"],
  [1006, "network"],
  [1001, "network"],
])("close code %d is %s", (code, kind) => {
  open().socket.end(code);
  expect(closed).toHaveBeenCalledOnce();
  expect(closed.mock.calls[0]?.[0].kind).toBe(kind);
});

test("the host's own words explain the close that follows", () => {
  const { socket } = open();
  socket.say('{"type":"error","code":"origin","message":"Wrong origin.","hint":"Use the name."}');
  socket.end(4403);
  expect(closed.mock.calls[0]?.[0]).toMatchObject({ kind: "refused", message: "Wrong origin.", hint: "Use the name." });
});

test("a message in an unknown form ends the connection once", () => {
  const { socket } = open();
  socket.say("{");
  socket.end(1000);
  expect(socket.closed).toBe(true);
  expect(closed).toHaveBeenCalledOnce();
  expect(closed.mock.calls[0]?.[0].kind).toBe("format");
});

test("close() waits for a handshake under way: to cut it short would be an error in the browser's console", () => {
  const { connection, socket } = open();
  socket.readyState = FakeSocket.CONNECTING;
  connection.close();
  expect(socket.closed).toBe(false);
  socket.readyState = 1;
  socket.dispatchEvent(new Event("open"));
  expect(socket.closed).toBe(true);
  expect(closed).not.toHaveBeenCalled();
});

test("nothing is told after close()", () => {
  const { connection, socket } = open();
  connection.close();
  socket.say('{"type":"connected","version":"1","interval_ms":2000}');
  socket.end(1006);
  expect(message).not.toHaveBeenCalled();
  expect(closed).not.toHaveBeenCalled();
});
