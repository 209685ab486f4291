// SPDX-License-Identifier: Apache-2.0
import type { Axis } from "../layout/axis";
import { before } from "../layout/order";

/** How many commits fall into each of `bins` equal stretches of the axis; strays count at the ends. */
export interface Histogram {
  readonly all: Uint32Array;
  /** Those that the filters let through. */
  readonly shown: Uint32Array;
  /** The most in one bin, at least 1. */
  readonly most: number;
}

/** `counts` as `counted` makes them: shown commits before each rank. A search by halves for each bin, not a pass. */
export function histogramOf(times: Float64Array, counts: Uint32Array, axis: Axis, bins: number): Histogram {
  const all = new Uint32Array(bins);
  const shown = new Uint32Array(bins);
  let most = 1;
  let rank = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    const ends = axis.from + ((bin + 1) / bins) * (axis.until - axis.from);
    const next = bin === bins - 1 ? times.length : before(times, ends);
    all[bin] = next - rank;
    shown[bin] = (counts[next] ?? 0) - (counts[rank] ?? 0);
    most = Math.max(most, next - rank);
    rank = next;
  }
  return { all, shown, most };
}
