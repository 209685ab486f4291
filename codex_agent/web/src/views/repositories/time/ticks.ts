// SPDX-License-Identifier: Apache-2.0
import type { Axis } from "../layout/axis";

export interface Tick {
  /** Seconds since 1970. */
  readonly at: number;
  readonly text: string;
}

const DAY = 86_400;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const;

function iso(at: number): string {
  return new Date(at * 1000).toISOString();
}

/** Beginnings of years, of months or of days in UTC: whatever makes at most `most` of them. */
export function ticksOf({ from, until }: Axis, most: number): Tick[] {
  // Years beyond these are no dates.
  if (!(Math.abs(from) < 8.64e12 && Math.abs(until) < 8.64e12)) return [];
  const span = until - from;
  if (span / (365 * DAY) >= 1.5) return years(from, until, most);
  if (span / (30 * DAY) >= 1.5) return months(from, until, most);
  const days = STEPS.find((step) => span / (step * DAY) <= most) ?? 1;
  const found: Tick[] = [];
  for (let at = Math.ceil(from / DAY) * DAY; at < until && found.length < most; at += days * DAY)
    found.push({ at, text: iso(at).slice(0, 10) });
  return found;
}

function years(from: number, until: number, most: number): Tick[] {
  const step = STEPS.find((each) => (until - from) / (each * 365 * DAY) <= most) ?? 1000;
  const found: Tick[] = [];
  const first = Math.ceil(new Date(from * 1000).getUTCFullYear() / step) * step;
  for (let year = first; found.length <= most; year += step) {
    const at = Date.UTC(year, 0, 1) / 1000;
    if (!(at < until)) break;
    if (at >= from) found.push({ at, text: year.toString() });
  }
  return found;
}

function months(from: number, until: number, most: number): Tick[] {
  const step = [1, 2, 3, 6, 12].find((each) => (until - from) / (each * 30 * DAY) <= most) ?? 12;
  const start = new Date(from * 1000);
  const found: Tick[] = [];
  for (let month = 0; found.length <= most; month += 1) {
    const at = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + month, 1) / 1000;
    if (!(at < until)) break;
    if (at >= from && new Date(at * 1000).getUTCMonth() % step === 0) found.push({ at, text: iso(at).slice(0, 7) });
  }
  return found;
}
