// SPDX-License-Identifier: Apache-2.0
import { useStore, type Store } from "../state/store";
import { Glyph, type GlyphName } from "../ui/glyphs";
import { THEMES, type Theme } from "./theme";

const GLYPHS: Readonly<Record<Theme, GlyphName>> = { system: "screen", light: "sun", dark: "moon" };
const NAMES: Readonly<Record<Theme, string>> = { system: "as the system", light: "light", dark: "dark" };

/** Goes through the themes: as the system, light, dark. */
export function ThemeButton({ theme }: { readonly theme: Store<Theme> }) {
  const now = useStore(theme);
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? "system";
  const label = `Colours: ${NAMES[now]}. Change to ${NAMES[next]}.`;
  return (
    <button
      type="button"
      class="button-icon"
      data-testid="theme"
      aria-label={label}
      title={label}
      onClick={() => {
        theme.set(next);
      }}
    >
      <Glyph name={GLYPHS[now]} />
    </button>
  );
}
