// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { post } from "./http";
import { text } from "./parts";

const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const ACTIONS = ["check", "apply", "rollback", "restart"] as const;
const Stage = v.picklist(["none", "fetching", "fetched", "writing", "written"]);
const BY = v.picklist(["command", "timer", "page"]);

/** A version that can start; `whole` is null where it could not be asked. */
const Version = v.object({
  version: v.string(),
  standing: v.picklist(["good", "counted", "bad"]),
  tries_left: v.nullable(count),
  running: v.boolean(),
  starts_next: v.boolean(),
  whole: v.nullable(v.boolean()),
  given_up: text,
});

const Standing = v.object({
  monotonic_s: count,
  running: text,
  boot: v.picklist(["blessed", "counted", "unknown"]),
  boot_reason: text,
  versions: v.array(Version),
  begun: v.nullable(
    v.object({
      stage: Stage,
      version: text,
      since: text,
      moved_bytes: count,
      whole_because: text,
      last_error: text,
    }),
  ),
  offered: text,
  checked_at: text,
  given_up: v.record(v.string(), v.string()),
  policy: v.object({ mode: v.string(), source: text, window: text, page: v.boolean(), drains: v.boolean() }),
  problems: v.array(v.string()),
});

/** What is being done now; `done` of `total` are bytes of `name` unless `unit` says else. A `total` of 0 is not known. */
const Work = v.object({
  action: v.picklist(ACTIONS),
  by: BY,
  began_at: v.string(),
  stage: v.nullable(Stage),
  version: text,
  name: text,
  done: count,
  total: count,
  unit: v.picklist(["bytes", "count", "percent"]),
  said: text,
});

const Ended = v.object({
  action: v.picklist(ACTIONS),
  by: BY,
  at: v.string(),
  good: v.boolean(),
  message: v.string(),
  hint: text,
});

const Change = v.object({ package: v.string(), before: text, after: text });

const Offered = v.object({
  at: v.string(),
  running: v.string(),
  version: v.string(),
  newer: v.boolean(),
  built_at: v.string(),
  kernel: v.string(),
  key: v.string(),
  whole_bytes: count,
  refused: v.nullable(v.object({ message: v.string(), hint: text })),
  changes: v.nullable(v.array(Change)),
  left_out: count,
});

const Known = v.object({
  schema: v.literal(1),
  monotonic_s: count,
  standing: Standing,
  work: v.nullable(Work),
  ended: v.nullable(Ended),
  offered: v.nullable(Offered),
});

/** How updates stand: what root has written down, or null with the reason. `closed`: nothing can be asked for here. */
export const Updates = v.object({
  known: v.nullable(Known),
  reason: text,
  source: v.string(),
  monotonic_s: count,
  silent: v.boolean(),
  closed: text,
});

const Answer = v.object({ accepted: v.literal(true), message: v.string() });

export type Updates = v.InferOutput<typeof Updates>;
export type Known = v.InferOutput<typeof Known>;
export type Version = v.InferOutput<typeof Version>;
export type Work = v.InferOutput<typeof Work>;
export type Ended = v.InferOutput<typeof Ended>;
export type Offered = v.InferOutput<typeof Offered>;
export type Change = v.InferOutput<typeof Change>;
export type Answer = v.InferOutput<typeof Answer>;
export type Action = (typeof ACTIONS)[number];

export type Request =
  { readonly action: "check" } | { readonly action: "apply" | "rollback" | "restart"; readonly version: string };

export type Ask = (request: Request) => Promise<Answer>;

/** The host starts a program for it, which an emulated processor takes its time for. */
const TIMEOUT_MS = 75_000;

/** Asks for a look, an update, the way back or the restart; the answer says that it begins. Throws Problem. */
export const askForUpdate: Ask = (request) => post("/api/updates", request, Answer, TIMEOUT_MS);
