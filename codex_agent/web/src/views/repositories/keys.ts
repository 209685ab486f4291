// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "preact/hooks";

/** What a key does here. `hint` stands in the help; keys without one are other ways to the same. */
export interface Key {
  /** As `KeyboardEvent.key` says it; with `Ctrl+` before it where that is held. */
  readonly key: string;
  readonly hint: string | null;
  readonly act: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Space and Enter belong to what has the focus. */
function isPressed(event: KeyboardEvent): boolean {
  const { target } = event;
  return event.key === " " && target instanceof HTMLElement && target.closest("button, a, summary") !== null;
}

/** The name of a key as the lists below have it. */
export function nameOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey">): string {
  return event.ctrlKey || event.metaKey ? `Ctrl+${event.key}` : event.key;
}

/** Lets keys act as long as the component is there and no dialog is above it; not while somebody types. */
export function useKeys(keys: readonly Key[]): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]") !== null) return;
      const name = nameOf(event);
      if ((isTyping(event.target) && !name.startsWith("Ctrl+")) || isPressed(event)) return;
      const found = keys.find(({ key }) => key === name);
      if (found === undefined) return;
      event.preventDefault();
      found.act();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
    };
  });
}
