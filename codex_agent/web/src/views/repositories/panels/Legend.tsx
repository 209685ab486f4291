// SPDX-License-Identifier: Apache-2.0
import { HUES, type Scheme } from "../colours/palette";
import { SLOTS } from "../colours/slots";
import { visible } from "../../../format/text";
import { useStore } from "../../../state/store";
import { whole } from "../format";
import type { Explorer } from "../state/explorer";
import { Marker } from "./Marker";

function toggled(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names.filter((each) => each !== name) : [...names, name];
}

/** Who looks like what; a press shows only the commits of those who are chosen. */
export function Legend({ explorer, scheme }: { readonly explorer: Explorer; readonly scheme: Scheme }) {
  const content = useStore(explorer.content);
  const { filters, mode } = useStore(explorer.view);
  if (content === null) return null;
  const { graph, looks } = content;
  const own = looks.slice(0, SLOTS);
  const others = looks.slice(SLOTS).reduce((sum, { commits }) => sum + commits, 0);
  return (
    <section class="legend" aria-label="Authors" data-testid="legend">
      <h2>Authors</h2>
      <ul>
        {own.map(({ author, commits, slot }) => {
          const { name = "", email = "" } = graph.authors[author] ?? {};
          const chosen = filters.authors.includes(email);
          return (
            <li key={author}>
              <button
                type="button"
                class="legend-entry"
                aria-pressed={chosen}
                title={visible(email)}
                data-testid={`author-${slot}`}
                onClick={() => {
                  explorer.change({ filters: { ...filters, authors: toggled(filters.authors, email) } });
                }}
              >
                <Marker slot={slot} scheme={scheme} />
                <bdi>{visible(name === "" ? email : name)}</bdi>
                <span class="figure quiet">{whole(commits)}</span>
              </button>
            </li>
          );
        })}
        {others > 0 && (
          <li class="legend-others">
            <Marker slot={SLOTS} scheme={scheme} />
            {whole(looks.length - SLOTS)} others
            <span class="figure quiet">{whole(others)}</span>
          </li>
        )}
      </ul>
      {(mode === "branches" || mode === "all") && (
        <p class="quiet">Bars have one of {HUES} colours by their branch; names are in the scene and the table.</p>
      )}
    </section>
  );
}
