// SPDX-License-Identifier: Apache-2.0
import type { Scheme } from "./colours/palette";

const DARK = "(prefers-color-scheme: dark)";

/** Which of the page's two schemes holds now: the person's choice, else the system's. */
export function schemeNow(): Scheme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return window.matchMedia(DARK).matches ? "dark" : "light";
}

/** Calls `changed` when the scheme may be another one; the answer ends it. */
export function watchScheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const system = window.matchMedia(DARK);
  system.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", changed);
  };
}
