// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  readonly get: () => T;
  readonly set: (next: T) => void;
  readonly update: (change: (now: T) => T) => void;
  /** Calls the listener after each change; the answer ends it. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** One value and those who watch it. Setting the same value again tells nobody. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  const set = (next: T): void => {
    if (Object.is(value, next)) return;
    value = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => value,
    set,
    update: (change) => {
      set(change(value));
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The store's value inside a component, which renders again when the value changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(() => store.get());
  useEffect(() => {
    const follow = (): void => {
      const next = store.get();
      setValue(() => next);
    };
    // A change between the first render and this effect would be missed.
    follow();
    return store.subscribe(follow);
  }, [store]);
  return value;
}
