// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { checked, ErrorObject } from "./envelope";
import { HostSnapshot } from "./host";
import { Problem } from "./problem";
import { Updates } from "./updates";

const Connected = v.object({
  type: v.literal("connected"),
  version: v.string(),
  interval_ms: v.pipe(v.number(), v.minValue(1)),
});
const Host = v.object({ type: v.literal("host"), seq: v.number(), data: HostSnapshot });
const Failure = v.object({ type: v.literal("error"), ...ErrorObject.entries });

const UpdatesMessage = v.object({ type: v.literal("updates"), seq: v.number(), data: Updates });

const Known = v.variant("type", [Connected, Host, UpdatesMessage, Failure]);

/** What the host says over the WebSocket. `other` is a message for a newer page, or for another view. */
export type Message = v.InferOutput<typeof Known> | { readonly type: "other"; readonly name: string };

const Tagged = v.looseObject({ type: v.string() });
const NAMES: ReadonlySet<string> = new Set(["connected", "host", "updates", "error"]);

/** Reads one frame. Throws Problem where it is not a message, or a known one in an unknown form. */
export function readMessage(frame: unknown): Message {
  if (typeof frame !== "string") throw new Problem("format", "binary_frame", "The host sent a frame that is not text.");
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    throw new Problem("format", "no_json", "The host sent a message that is not JSON.");
  }
  const { type } = checked(value, Tagged);
  return NAMES.has(type) ? checked(value, Known) : { type: "other", name: type };
}
