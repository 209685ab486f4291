// SPDX-License-Identifier: Apache-2.0
import { readMessage, type Message } from "./messages";
import { asProblem, Problem } from "./problem";

/** Close codes of the agent, beside those of RFC 6455. */
const UNAUTHORIZED = 4401;
const WRONG_ORIGIN = 4403;

export interface RealtimeEvents {
  readonly message: (message: Message) => void;
  /** Called once: the socket is gone. */
  readonly closed: (why: Problem) => void;
}

export interface Realtime {
  /** Ends the connection; `closed` is not called any more. */
  readonly close: () => void;
}

export type OpenRealtime = (events: RealtimeEvents) => Realtime;

function endpoint(): string {
  const url = new URL("/api/realtime", window.location.href);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return url.href;
}

function whyClosed(code: number, said: Problem | null): Problem {
  if (code === UNAUTHORIZED) {
    return new Problem("unauthorized", "unauthorized", said?.message ?? "The session has ended.", said?.hint ?? null);
  }
  if (code === WRONG_ORIGIN) {
    const hint = "Open the page by a name or address that the host answers for.";
    return new Problem(
      "refused",
      "origin",
      said?.message ?? "The host refused this page's origin.",
      said?.hint ?? hint,
    );
  }
  return said ?? new Problem("network", "closed", "The live connection was lost.");
}

/** Opens the WebSocket of this origin. Never throws: what fails arrives at `closed`. */
export const openRealtime: OpenRealtime = (events) => {
  const socket = new WebSocket(endpoint());
  let said: Problem | null = null;
  let over = false;

  const end = (why: Problem): void => {
    if (over) return;
    over = true;
    socket.close();
    events.closed(why);
  };

  socket.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (over) return;
    try {
      const message = readMessage(event.data);
      if (message.type === "error") said = new Problem("refused", message.code, message.message, message.hint);
      else events.message(message);
    } catch (thrown) {
      end(asProblem(thrown));
    }
  });
  socket.addEventListener("close", (event) => {
    end(whyClosed(event.code, said));
  });

  return {
    close() {
      over = true;
      // Closing during the handshake would make browsers log a failed connection.
      if (socket.readyState !== WebSocket.CONNECTING) socket.close();
      else {
        socket.addEventListener("open", () => {
          socket.close();
        });
      }
    },
  };
};
