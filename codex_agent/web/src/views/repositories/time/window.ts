// SPDX-License-Identifier: Apache-2.0
import { timeAt, type Axis } from "../layout/axis";
import { before } from "../layout/order";

/** The stretch of time that is shown: null is the end of the axis on that side, also when it moves on. */
export interface Window {
  readonly from: number | null;
  readonly until: number | null;
}

export type End = "from" | "until";

/** The window as ranks: commits of ranks `low` to `high - 1` are in it. */
export function ranksOf(times: Float64Array, window: Window): { low: number; high: number } {
  const low = window.from === null ? 0 : before(times, window.from);
  // What happens in the last second belongs to it.
  const high = window.until === null ? times.length : before(times, window.until + 1);
  return { low, high: Math.max(low, high) };
}

/** The smallest window: a thousandth of the axis, so that its ends can still be told apart. */
function least(axis: Axis): number {
  return Math.max(1, (axis.until - axis.from) / 1000);
}

/** The window with one end at a place on the axis, 0 to 1. Ends do not pass each other, and snap to those of the axis. */
export function movedTo(window: Window, axis: Axis, end: End, share: number): Window {
  if (end === "from") {
    if (share <= 0) return { ...window, from: null };
    const most = (window.until ?? axis.until) - least(axis);
    return { ...window, from: Math.max(axis.from, Math.min(timeAt(axis, share), most)) };
  }
  if (share >= 1) return { ...window, until: null };
  const low = (window.from ?? axis.from) + least(axis);
  return { ...window, until: Math.min(axis.until, Math.max(timeAt(axis, share), low)) };
}

/** The window moved by seconds, as wide as it is; it stops at the ends of the axis. */
export function shifted(window: Window, axis: Axis, seconds: number): Window {
  const from = window.from ?? axis.from;
  const until = window.until ?? axis.until;
  const by = Math.min(Math.max(seconds, axis.from - from), axis.until - until);
  return {
    from: from + by <= axis.from ? null : from + by,
    until: until + by >= axis.until ? null : until + by,
  };
}

/** The last end moved by seconds, as the arrow keys do it. */
export function sought(window: Window, axis: Axis, seconds: number): Window {
  const until = window.until ?? axis.until;
  return movedTo(window, axis, "until", (until + seconds - axis.from) / (axis.until - axis.from));
}

/** A whole history at speed 1 takes this long. */
export const WHOLE_S = 60;
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32] as const;

/**
 * The window after `elapsed` seconds of playing: its last end goes on. Null where the end of the history was reached
 * before. A window that ends at the end begins anew, at its own first end.
 */
export function played(window: Window, axis: Axis, speed: number, elapsed: number): Window | null {
  const until = window.until ?? axis.until;
  const next = until + ((axis.until - axis.from) / WHOLE_S) * speed * elapsed;
  return next >= axis.until ? null : { ...window, until: next };
}

/** Where playing begins: where the window is, or at its first end when it is at the end of time. */
export function beginning(window: Window, axis: Axis): Window {
  if (window.until !== null && window.until < axis.until) return window;
  return { ...window, until: (window.from ?? axis.from) + least(axis) };
}

export function faster(speed: number): number {
  return SPEEDS.find((each) => each > speed) ?? speed;
}

export function slower(speed: number): number {
  return [...SPEEDS].reverse().find((each) => each < speed) ?? speed;
}
