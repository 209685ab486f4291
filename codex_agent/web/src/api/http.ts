// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { openEnvelope } from "./envelope";
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
      signal: AbortSignal.timeout(timeout),
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
