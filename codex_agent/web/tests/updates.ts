// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { Updates } from "../src/api/updates";

type Change = Readonly<Record<string, unknown>>;

export function version(text: string, change: Change = {}): unknown {
  return {
    version: text,
    standing: "good",
    tries_left: null,
    running: false,
    starts_next: false,
    whole: true,
    given_up: null,
    ...change,
  };
}

export function standing(change: Change = {}): unknown {
  return {
    monotonic_s: 100,
    running: "0.1.57",
    boot: "blessed",
    boot_reason: null,
    versions: [version("0.1.56"), version("0.1.57", { running: true, starts_next: true })],
    begun: null,
    offered: "0.1.58",
    checked_at: "2026-11-22T08:30:00+00:00",
    given_up: {},
    policy: { mode: "notify", source: "https://updates.example/", window: null, page: true, drains: false },
    problems: [],
    ...change,
  };
}

export function offered(change: Change = {}): unknown {
  return {
    at: "2026-11-22T08:30:00+00:00",
    running: "0.1.57",
    version: "0.1.58",
    newer: true,
    built_at: "2026-11-21T12:00:00Z",
    kernel: "7.3.5+deb13-amd64",
    key: "0123456789ABCDEF",
    whole_bytes: 230_000_000,
    versions: ["0.1.58"],
    refused: null,
    changes: [
      { package: "openssl", before: "3.5.1", after: "3.5.2" },
      { package: "newcomer", before: null, after: "1.0" },
      { package: "leaver", before: "2.0", after: null },
    ],
    left_out: 0,
    ...change,
  };
}

/** A version that was written and waits for the restart. */
export function begun(change: Change = {}): unknown {
  return {
    stage: "written",
    version: "0.1.58",
    since: "2026-11-22T08:40:00+00:00",
    moved_bytes: 0,
    whole_because: null,
    last_error: null,
    ...change,
  };
}

export function work(change: Change = {}): unknown {
  return {
    process: 7,
    action: "apply",
    by: "page",
    began_at: "2026-11-22T08:40:00+00:00",
    stage: "fetching",
    version: "0.1.58",
    name: "codex-os_0.1.58_x86-64.efi",
    done: 15 * 2 ** 20,
    total: 30 * 2 ** 20,
    unit: "bytes",
    said: null,
    ...change,
  };
}

export function ended(change: Change = {}): unknown {
  return {
    action: "apply",
    by: "page",
    at: "2026-11-22T08:45:00+00:00",
    good: true,
    message: "Version 0.1.58 is written and starts at the next restart.",
    hint: null,
    exit_code: 0,
    ...change,
  };
}

/** What the host says of its updates; `known` overrides parts of what root wrote down. */
export function updates(known: Change | null = {}, change: Change = {}): Updates {
  return v.parse(Updates, {
    known:
      known === null
        ? null
        : {
            schema: 1,
            written_at: "2026-11-22T08:59:59+00:00",
            monotonic_s: 100,
            standing: standing(),
            work: null,
            ended: null,
            offered: offered(),
            ...known,
          },
    reason: known === null ? "/run/codex/update.json does not exist" : null,
    source: "/run/codex/update.json",
    monotonic_s: 103,
    silent: false,
    closed: null,
    ...change,
  });
}
