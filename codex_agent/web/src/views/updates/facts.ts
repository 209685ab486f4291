// SPDX-License-Identifier: Apache-2.0
import type { HostSnapshot } from "../../api/host";
import type { Known, Offered, Updates, Version } from "../../api/updates";

/** What the view stands on: the host as it is heard now, and how its updates stand. */
export interface Facts {
  readonly host: HostSnapshot;
  /** Null until the host has said how they stand. */
  readonly updates: Updates | null;
  /** The host is not heard at the moment. */
  readonly stale: boolean;
}

export const NOT_SAID = "the host has not said yet how updates stand";

/** The slot that does not run; null where the running one is not known. */
export function otherSlot(slot: string | null): "A" | "B" | null {
  return slot === "A" ? "B" : slot === "B" ? "A" : null;
}

/** `slot B`, or what can be said where it is not known. */
export function otherSlotWords(slot: string | null): string {
  const other = otherSlot(slot);
  return other === null ? "the slot that does not run" : `slot ${other}`;
}

/** The version in the slot that does not run; null where there is none, or it cannot be told. */
export function otherVersion(known: Known): Version | null {
  const others = known.standing.versions.filter((version) => !version.running);
  return others.length === 1 ? (others[0] ?? null) : null;
}

export function startsNext(known: Known): Version | null {
  return known.standing.versions.find((version) => version.starts_next) ?? null;
}

/** What the last look found, as long as it is about the version that is offered to the one that runs. */
export function offerNow(known: Known): Offered | null {
  const { offered, standing } = known;
  return offered?.version === standing.offered && offered.running === standing.running ? offered : null;
}

/** The work that is under way and was heard within a minute. */
export function workNow(updates: Updates | null): Known["work"] {
  return updates === null || updates.silent ? null : (updates.known?.work ?? null);
}

/** `on trial, 2 tries left`. */
export function standingWords(version: Version): string {
  if (version.standing === "bad" || version.given_up !== null) return "given up";
  if (version.standing === "good") return "good";
  const left = version.tries_left;
  return left === null ? "on trial" : `on trial, ${left} ${left === 1 ? "try" : "tries"} left`;
}
