// SPDX-License-Identifier: Apache-2.0
import type { Averages, HostSnapshot, Pressure } from "../api/host";

/** Five minutes at one sample in two seconds. */
const SAMPLES = 150;

/** The ten-second averages of one moment, in percent of time. */
export interface PressurePoint {
  readonly some: number | null;
  readonly full: number | null;
}

export interface Sample {
  /** The host's clock, milliseconds since 1970. */
  readonly at: number;
  readonly bootId: string | null;
  readonly cpu: PressurePoint;
  readonly memory: PressurePoint;
  readonly io: PressurePoint;
}

function avg10(averages: Averages | null | undefined): number | null {
  return averages?.avg10 ?? null;
}

function point(pressure: Pressure | null | undefined): PressurePoint {
  return { some: avg10(pressure?.some), full: avg10(pressure?.full) };
}

function sampleOf(host: HostSnapshot): Sample | null {
  const at = Date.parse(host.taken_at);
  if (Number.isNaN(at)) return null;
  return {
    at,
    bootId: host.boot_id,
    cpu: point(host.cpu?.pressure),
    memory: point(host.memory?.pressure),
    io: point(host.io?.pressure),
  };
}

/** History with one more sample. Another boot, or a clock that went back, starts it anew. */
export function remember(history: readonly Sample[], host: HostSnapshot): readonly Sample[] {
  const sample = sampleOf(host);
  if (sample === null) return history;
  const last = history.at(-1);
  if (last === undefined) return [sample];
  if (sample.at === last.at) return history;
  if (sample.at < last.at || sample.bootId !== last.bootId) return [sample];
  return [...history.slice(1 - SAMPLES), sample];
}
