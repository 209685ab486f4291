// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { checked, openEnvelope } from "./envelope";
import { Problem } from "./problem";

/** A slow emulated host may need seconds for a handshake; beyond this nobody answers. */
const TIMEOUT_MS = 10_000;

const NO_ANSWER_HINT = "Check that the host is up and that this browser trusts its certificate.";

async function send(path: string, init: RequestInit, timeout = TIMEOUT_MS): Promise<Response> {
  try {
    return await fetch(path, {
      ...init,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.any([AbortSignal.timeout(timeout), ...(init.signal ? [init.signal] : [])]),
    });
  } catch (thrown) {
    const late = thrown instanceof DOMException && thrown.name === "TimeoutError";
    const message = late ? `The host did not answer within ${timeout / 1000} s.` : "The host did not answer.";
    throw new Problem("network", late ? "timeout" : "no_answer", message, NO_ANSWER_HINT);
  }
}

async function body(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text()) as unknown;
  } catch {
    // No JSON: openEnvelope says so in the words for the answer's status.
    return null;
  }
}

/** GET that answers in the envelope; the data, checked against the schema. Throws Problem. */
export async function get<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> {
  const response = await send(path, { headers: { accept: "application/json" } });
  return openEnvelope(response.status, await body(response), schema);
}

/**
 * GET whose envelope holds more than its data: all of it, checked against the schema. `signal` ends it, and what the
 * host does for it; then it throws the Problem of a request without an answer. Throws Problem.
 */
export async function getWhole<S extends v.GenericSchema>(
  path: string,
  schema: S,
  signal: AbortSignal,
  timeout = TIMEOUT_MS,
): Promise<v.InferOutput<S>> {
  const response = await send(path, { headers: { accept: "application/json" }, signal }, timeout);
  const content = await body(response);
  openEnvelope(response.status, content, v.unknown());
  return checked(content, schema);
}

/** POST that answers in the envelope; the data, checked against the schema. Throws Problem. */
export async function post<S extends v.GenericSchema>(
  path: string,
  content: unknown,
  schema: S,
  timeout = TIMEOUT_MS,
): Promise<v.InferOutput<S>> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const response = await send(path, { method: "POST", headers, body: JSON.stringify(content) }, timeout);
  return openEnvelope(response.status, await body(response), schema);
}

/** A stream may pause for as long as the host reads; a pause of this much means that nobody sends any more. */
const PAUSE_MS = 60_000;

/**
 * GET of bytes that are read as they arrive; each piece is handed to `take`. Ends early, without an error, when `signal`
 * is aborted. Throws Problem.
 */
export async function receive(path: string, take: (piece: Uint8Array) => void, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => {
    silence.abort();
  }, PAUSE_MS);
  try {
    const response = await fetch(path, {
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) {
      openEnvelope(response.status, await body(response), v.unknown());
      throw new Problem("format", "no_stream", "The host answered without a stream.", "Reload the page.");
    }
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        silence.abort();
      }, PAUSE_MS);
      take(value);
    }
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    if (signal.aborted) return;
    const message = silence.signal.aborted ? "The host stopped sending." : "The host did not answer.";
    throw new Problem("network", silence.signal.aborted ? "timeout" : "no_answer", message, NO_ANSWER_HINT);
  } finally {
    clearTimeout(timer);
  }
}

/** Request that is answered by 204. Throws Problem. */
export async function command(method: "POST" | "DELETE", path: string, content?: unknown): Promise<void> {
  const headers: Record<string, string> = { accept: "application/json" };
  const init: RequestInit = { method, headers };
  if (content !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(content);
  }
  const response = await send(path, init);
  if (response.status === 204) return;
  openEnvelope(response.status, await body(response), v.unknown());
}
