// SPDX-License-Identifier: Apache-2.0
import type { AppState } from "../state/app";
import type { Store } from "../state/store";
import { Glyph } from "../ui/glyphs";
import { ConnectionPill } from "./Connection";
import { addressOf, type Route } from "./router";
import { useServices } from "./services";
import { ThemeButton } from "./ThemeButton";
import type { Theme } from "./theme";
import { views } from "./views";

function Mark() {
  return (
    <svg class="brand-mark" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d="M10 1.2l7.6 4.4v8.8L10 18.8l-7.6-4.4V5.6z" />
      <path d="M13.2 7.8A3.8 3.8 0 1 0 13.2 12.2" />
    </svg>
  );
}

interface HeaderProps {
  readonly state: AppState;
  readonly route: Route;
  readonly theme: Store<Theme>;
}

export function Header({ state, route, theme }: HeaderProps) {
  const { session } = useServices();
  const signedIn = state.phase === "signed-in";
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="#/">
          <Mark />
          Codex OS
        </a>
        {signedIn && views.length > 1 && (
          <nav aria-label="Views">
            <ul class="views">
              {views.map((view) => (
                <li key={view.id}>
                  <a href={addressOf(view.id)} aria-current={view.id === route.view ? "page" : undefined}>
                    {view.title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        )}
        <div class="top-end">
          {signedIn && <ConnectionPill link={state.link} />}
          <ThemeButton theme={theme} />
          {signedIn && (
            <button
              type="button"
              class="button-icon"
              data-testid="sign-out"
              aria-label="Sign out"
              title="Sign out"
              onClick={() => void session.signOut()}
            >
              <Glyph name="leave" />
            </button>
          )}
        </div>
      </div>
    </header>
  );
}
