// SPDX-License-Identifier: Apache-2.0
import type { Check, CheckState } from "../../api/host";

const CONCERN: Readonly<Record<CheckState, number>> = { failed: 0, unknown: 1, degraded: 2, ok: 3, skipped: 4 };

/** What needs a person first; the host's own order among equals. */
export function inOrderOfConcern(checks: readonly Check[]): readonly Check[] {
  return [...checks].sort((a, b) => CONCERN[a.state] - CONCERN[b.state]);
}
