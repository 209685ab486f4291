// SPDX-License-Identifier: Apache-2.0

interface MeterProps {
  /** 0 to 100. */
  readonly percent: number;
  /** What is measured, for those who hear the page. */
  readonly label: string;
  readonly tone?: "plain" | "degraded";
}

/** A bar. The figure it draws always stands beside it as text. */
export function Meter({ percent, label, tone = "plain" }: MeterProps) {
  return (
    <svg
      class={`meter meter-${tone}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={`${percent} %`}
    >
      <rect class="meter-track" width="100%" height="100%" rx="3" />
      <rect class="meter-fill" width={`${percent}%`} height="100%" rx="3" />
    </svg>
  );
}

/** A bar without an end, for work whose whole is not known. How far it is stands beside it as text. */
export function OpenMeter({ label }: { readonly label: string }) {
  return (
    <svg class="meter meter-open" role="progressbar" aria-label={label}>
      <rect class="meter-fill" width="100%" height="100%" rx="3" />
    </svg>
  );
}
