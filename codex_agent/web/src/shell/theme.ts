// SPDX-License-Identifier: Apache-2.0
import { createStore, type Store } from "../state/store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "codex.theme";

function isTheme(value: unknown): value is Theme {
  return THEMES.some((theme) => theme === value);
}

function remembered(): Theme {
  try {
    const value = window.localStorage.getItem(KEY);
    return isTheme(value) ? value : "system";
  } catch {
    // Storage is switched off: the system's choice holds.
    return "system";
  }
}

function keep(theme: Theme): void {
  try {
    if (theme === "system") window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off: the choice holds until the page is left.
  }
}

/** The colour theme: applied to the document at once and after each change, remembered in this browser. */
export function createTheme(): Store<Theme> {
  const theme = createStore(remembered());
  const apply = (): void => {
    document.documentElement.dataset["theme"] = theme.get();
  };
  apply();
  theme.subscribe(() => {
    apply();
    keep(theme.get());
  });
  return theme;
}
