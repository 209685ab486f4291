// SPDX-License-Identifier: Apache-2.0

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function two(value: number): string {
  return value.toString().padStart(2, "0");
}

/** A running time: `42 s`, `3 min 07 s`, `5 h 04 min 09 s`, `12 d 03 h 04 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / DAY);
  const hours = Math.floor((whole % DAY) / HOUR);
  const minutes = Math.floor((whole % HOUR) / MINUTE);
  const rest = whole % MINUTE;
  if (days > 0) return `${days} d ${two(hours)} h ${two(minutes)} min`;
  if (hours > 0) return `${hours} h ${two(minutes)} min ${two(rest)} s`;
  if (minutes > 0) return `${minutes} min ${two(rest)} s`;
  return `${rest} s`;
}

/** How old a reading is, in its largest unit: `12 ms`, `3 s`, `4 min`, `2 h`, `5 d`. */
export function age(milliseconds: number): string {
  const value = Math.max(0, milliseconds);
  if (value < 1000) return `${Math.round(value)} ms`;
  const seconds = Math.floor(value / 1000);
  if (seconds < MINUTE) return `${seconds} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** Time of day where the reader is, 24 hours: `14:03:22`. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Date and time of the host's clock in UTC: `2026-11-22 09:00:00 UTC`; null where the text is no time. */
export function utc(at: number): string | null {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return null;
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
