// SPDX-License-Identifier: Apache-2.0

const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** Three significant digits at most, no exponent: 0.42, 7.9, 23.4, 512. */
function digits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return value.toFixed(0);
  return magnitude >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Bytes in binary units: `7.75 GiB`. Whole bytes below 1 KiB. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  // 1023.5 would print as "1024": go on to the next unit before rounding does.
  while (Math.abs(value) >= 1023.5 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const name = BINARY_UNITS[unit] ?? "B";
  return unit === 0 ? `${value.toFixed(0)} ${name}` : `${digits(value)} ${name}`;
}

/** A share of 100 as the kernel gives it: `0.42 %`, `12.3 %`. */
export function percent(share: number): string {
  return `${digits(share)} %`;
}

/** Part of whole in whole percent, or null where the whole is nothing. Never 0 or 100 unless it is exactly that. */
export function wholePercent(part: number, whole: number): number | null {
  if (!(whole > 0) || !(part >= 0)) return null;
  const exact = (part / whole) * 100;
  if (part > 0 && exact < 1) return 1;
  if (part < whole && exact > 99) return 99;
  return Math.round(exact);
}

/** Load averages: two decimals, as uptime(1) prints them. */
export function load(value: number): string {
  return value.toFixed(2);
}

/** Transfers per second of one PCI Express lane: `16 GT/s`, `2.5 GT/s`. */
export function gigatransfers(rate: number): string {
  return `${Number(rate.toFixed(1))} GT/s`;
}
