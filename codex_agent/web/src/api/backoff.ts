// SPDX-License-Identifier: Apache-2.0

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * How long to wait before attempt `attempt` (0 is the first) in milliseconds: doubles from 1 s to 30 s, of which
 * the upper half is drawn by chance so that many pages do not knock at once when their host comes back.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
