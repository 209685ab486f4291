// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

const TICK_MS = 1_000;

const listeners = new Set<(now: number) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(listener: (now: number) => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    const now = Date.now();
    for (const each of [...listeners]) each(now);
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** This machine's time in milliseconds, anew every second: one timer for all who ask, none when nobody does. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => watch(setNow), []);
  // A render between two ticks must not show a time before what it renders.
  return Math.max(now, Date.now());
}
