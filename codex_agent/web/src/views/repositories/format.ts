// SPDX-License-Identifier: Apache-2.0
import { utc } from "../../format/time";

/** Date and time in UTC of seconds since 1970; `no date` for what is none. */
export function dateTime(seconds: number): string {
  return utc(seconds * 1000) ?? "no date";
}

/** The day alone: `2026-11-22`. */
export function day(seconds: number): string {
  return utc(seconds * 1000)?.slice(0, 10) ?? "no date";
}

const WHOLE = new Intl.NumberFormat("en-GB");

/** `81,966`. */
export function whole(count: number): string {
  return WHOLE.format(count);
}
