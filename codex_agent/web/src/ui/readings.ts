// SPDX-License-Identifier: Apache-2.0
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Reading } from "../api/host";

/** Where the values below come from, and when they came here. */
export interface Provenance {
  readonly readings: Readonly<Record<string, Reading>>;
  readonly receivedAt: number;
}

export const ProvenanceContext = createContext<Provenance>({ readings: {}, receivedAt: 0 });

export function useProvenance(): Provenance {
  return useContext(ProvenanceContext);
}

/** The reading of a path, or of the nearest thing it is a part of (`verity.state`, then `verity`). */
export function readingOf(readings: Provenance["readings"], path: string): Reading | null {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    if (Object.hasOwn(readings, at)) return readings[at] ?? null;
  }
  return null;
}

/** All readings of some things and their parts, in the order of the paths given. */
export function readingsBelow(
  readings: Provenance["readings"],
  paths: readonly string[],
): readonly (readonly [path: string, reading: Reading])[] {
  return paths.flatMap((path) =>
    Object.entries(readings).filter(([name]) => name === path || name.startsWith(`${path}.`)),
  );
}
