// SPDX-License-Identifier: Apache-2.0
import type { CheckState, VerdictState } from "../api/host";

/** What a colour and a shape stand for. Every tone has its own shape, so that none is told by colour alone. */
export type Tone = "ok" | "degraded" | "failed" | "unknown" | "skipped";

const SHAPES: Readonly<Record<Tone, string>> = {
  ok: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.8 8.2l2.2 2.2 4.2-4.6",
  degraded: "M8 1.6l6.9 12.2H1.1zM8 6v3.6M8 11.8v.1",
  failed: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8",
  unknown:
    "M4 1.2h8A2.8 2.8 0 0 1 14.8 4v8a2.8 2.8 0 0 1-2.8 2.8H4A2.8 2.8 0 0 1 1.2 12V4A2.8 2.8 0 0 1 4 1.2zM6.1 6.3a1.9 1.9 0 1 1 2.8 1.7c-.6.4-.9.7-.9 1.3M8 11.6v.1",
  skipped: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM5 8h6",
};

export function toneOfVerdict(verdict: VerdictState): Tone {
  return verdict === "healthy" ? "ok" : verdict;
}

export function toneOfCheck(check: CheckState): Tone {
  return check;
}

interface IconProps {
  readonly tone: Tone;
  readonly size?: "small" | "large";
}

/** The shape of a tone. Always beside the word that says the same. */
export function Icon({ tone, size = "small" }: IconProps) {
  return (
    <svg class={`icon icon-${size} tone-${tone}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={SHAPES[tone]} />
    </svg>
  );
}
