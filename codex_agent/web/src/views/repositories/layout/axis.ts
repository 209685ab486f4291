// SPDX-License-Identifier: Apache-2.0

/**
 * What may be strays at each end, and how far beyond all others makes them so, as a share of the time of the others.
 * A single commit of a small history has to be further off: it may be where everything began.
 */
const MANY = { share: 0.001, beyond: 0.2 };
const ONE = { least: 20, beyond: 3 };

/** The stretch of time that the scene and the slider show, in seconds since 1970; `until` is after `from`. */
export interface Axis {
  readonly from: number;
  readonly until: number;
}

/**
 * The axis of rising times. Histories hold commits of clocks that were wrong by decades: the few that lie far outside of
 * the others are shown at the ends, or all others would share one pixel.
 */
export function axisOf(times: Float64Array): Axis {
  const count = times.length;
  if (count === 0) return { from: 0, until: 1 };
  const first = times[0] ?? 0;
  const last = times[count - 1] ?? 0;
  const many = Math.floor(count * MANY.share);
  const strays = many > 0 ? many : count >= ONE.least ? 1 : 0;
  const low = times[strays] ?? first;
  const high = times[count - 1 - strays] ?? last;
  const most = (high - low) * (many > 0 ? MANY.beyond : ONE.beyond);
  const from = low - first > most ? low : first;
  const until = last - high > most ? high : last;
  return until > from ? { from, until } : { from, until: from + 1 };
}

/** Where a time lies on the axis: 0 to 1, strays at the ends. */
export function shareOf(axis: Axis, time: number): number {
  return Math.min(1, Math.max(0, (time - axis.from) / (axis.until - axis.from)));
}

export function timeAt(axis: Axis, share: number): number {
  return axis.from + Math.min(1, Math.max(0, share)) * (axis.until - axis.from);
}
