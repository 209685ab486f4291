// SPDX-License-Identifier: Apache-2.0
import { HIDDEN, SHOWN } from "../state/filters";
import type { Layout } from "../layout/layout";
import { NONE } from "../data/graph";

/** Commits whose common sphere is looked at first. */
const BLOCK = 256;

/**
 * What points at something: a mouse, a finger, a controller or a gaze, each as a ray with a width. `spread` is how far
 * beside the ray something may be for each unit of distance, `reach` how far in any case.
 */
export interface Pointer {
  readonly origin: readonly [number, number, number];
  /** Of length 1. */
  readonly direction: readonly [number, number, number];
  readonly spread: number;
  readonly reach: number;
}

/** Finds the commit that is pointed at. Made once for a layout; asking it costs some spheres and a few commits. */
export class Picker {
  readonly #layout: Layout;
  /** x, y, z and radius of the sphere around each block of ranks. */
  readonly #spheres: Float32Array;

  constructor(layout: Layout) {
    this.#layout = layout;
    const { byRank } = layout.order;
    const blocks = Math.ceil(byRank.length / BLOCK);
    this.#spheres = new Float32Array(blocks * 4);
    for (let block = 0; block < blocks; block += 1)
      this.#spheres.set(sphereOf(layout.positions, byRank.subarray(block * BLOCK, (block + 1) * BLOCK)), block * 4);
  }

  /** The place of the commit, of ranks `low` to `high - 1`, that is nearest to the ray; NONE where there is none. */
  pick(pointer: Pointer, shown: Uint8Array, low: number, high: number): number {
    const { byRank } = this.#layout.order;
    let best = NONE;
    let least = Infinity;
    for (let block = Math.floor(low / BLOCK); block * BLOCK < high; block += 1) {
      if (!this.#passes(pointer, block)) continue;
      const end = Math.min(high, (block + 1) * BLOCK);
      for (let rank = Math.max(low, block * BLOCK); rank < end; rank += 1) {
        const commit = byRank[rank] ?? 0;
        const state = shown[commit] ?? HIDDEN;
        if (state === HIDDEN) continue;
        const far = this.#distance(pointer, commit);
        // What was searched for comes before what stands faintly in front of it.
        const cost = state === SHOWN ? far : far + 1e6;
        if (cost < least) {
          least = cost;
          best = commit;
        }
      }
    }
    return best;
  }

  #passes({ origin, direction, spread, reach }: Pointer, block: number): boolean {
    const spheres = this.#spheres;
    const at = block * 4;
    const radius = spheres[at + 3] ?? 0;
    const x = (spheres[at] ?? 0) - origin[0];
    const y = (spheres[at + 1] ?? 0) - origin[1];
    const z = (spheres[at + 2] ?? 0) - origin[2];
    const along = x * direction[0] + y * direction[1] + z * direction[2];
    if (along < -radius) return false;
    const beside = Math.sqrt(Math.max(0, x * x + y * y + z * z - along * along));
    return beside <= radius + reach + spread * (along + radius);
  }

  /** How far a commit is from the ray, as a share of what is allowed, the nearer first; Infinity outside. */
  #distance({ origin, direction, spread, reach }: Pointer, commit: number): number {
    const { positions } = this.#layout;
    const x = (positions[3 * commit] ?? 0) - origin[0];
    const y = (positions[3 * commit + 1] ?? 0) - origin[1];
    const z = (positions[3 * commit + 2] ?? 0) - origin[2];
    const along = x * direction[0] + y * direction[1] + z * direction[2];
    if (along <= 0) return Infinity;
    const beside = Math.sqrt(Math.max(0, x * x + y * y + z * z - along * along));
    const allowed = reach + spread * along;
    return beside > allowed ? Infinity : beside / allowed + along * 1e-9;
  }
}

function sphereOf(positions: Float32Array, commits: Uint32Array): [number, number, number, number] {
  const centre: [number, number, number] = [0, 0, 0];
  for (const commit of commits)
    for (const axis of [0, 1, 2] as const) centre[axis] += (positions[3 * commit + axis] ?? 0) / commits.length;
  let radius = 0;
  for (const commit of commits) {
    const [x, y, z] = [0, 1, 2].map((axis) => (positions[3 * commit + axis] ?? 0) - (centre[axis] ?? 0));
    radius = Math.max(radius, Math.hypot(x ?? 0, y ?? 0, z ?? 0));
  }
  return [...centre, radius];
}
