// SPDX-License-Identifier: Apache-2.0
import { bytes } from "../../format/quantity";

interface PoolBarProps {
  /** What is measured, for those who hear the page. */
  readonly label: string;
  readonly allocated: number;
  /** Memory that the pool holds, allocated memory included. */
  readonly filled: number;
  /** What the bar's whole length stands for. */
  readonly total: number;
  readonly of: string;
}

function share(part: number, whole: number): string {
  return whole > 0 ? `${(Math.min(Math.max(part / whole, 0), 1) * 100).toFixed(2)}%` : "0%";
}

/** A bar of two lengths, one on the other: filled, and of that allocated. The figures stand beside it as text. */
export function PoolBar({ label, allocated, filled, total, of }: PoolBarProps) {
  const said = `${label}: ${bytes(allocated)} allocated, ${bytes(filled)} filled, ${bytes(total)} ${of}`;
  return (
    <svg class="meter pool-bar" role="img" aria-label={said}>
      <rect class="meter-track" width="100%" height="100%" rx="3" />
      <rect class="pool-filled" width={share(filled, total)} height="100%" rx="3" />
      <rect class="meter-fill" width={share(allocated, total)} height="100%" rx="3" />
    </svg>
  );
}
