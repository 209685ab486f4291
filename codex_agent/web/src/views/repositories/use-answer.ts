// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

import { asProblem, type Problem } from "../../api/problem";

/** What was asked for: null while it comes, or the problem that kept it. */
export interface Answer<T> {
  readonly value: T | null;
  readonly problem: Problem | null;
}

const NOTHING = { value: null, problem: null } as const;

/**
 * Asks when `key` changes, and shows nothing of an earlier question. `ask` is null where there is nothing to ask.
 */
export function useAnswer<T>(key: string, ask: (() => Promise<T>) | null): Answer<T> {
  const [held, setHeld] = useState<{ readonly key: string; readonly answer: Answer<T> } | null>(null);
  useEffect(() => {
    if (ask === null) return undefined;
    let wanted = true;
    const settle = (answer: Answer<T>): void => {
      if (wanted) setHeld({ key, answer });
    };
    ask().then(
      (value) => {
        settle({ value, problem: null });
      },
      (thrown: unknown) => {
        settle({ value: null, problem: asProblem(thrown) });
      },
    );
    return () => {
      wanted = false;
    };
    // The key stands for the question.
  }, [key, ask === null]);
  return held?.key === key ? held.answer : NOTHING;
}
