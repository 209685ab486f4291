// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import { visible } from "../../../format/text";
import { useStore } from "../../../state/store";
import { ProblemNote } from "../../../ui/ProblemNote";
import { day, whole } from "../format";
import type { Explorer } from "../state/explorer";
import { isFiltering, KIND_NAMES, KINDS, NO_FILTERS, type Filters, type Kind } from "../state/filters";

const LISTED_MOST = 30;

interface PickerProps {
  readonly title: string;
  readonly id: string;
  readonly entries: readonly { readonly key: string; readonly text: string }[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** A list to choose from, with a field that makes it shorter; what is chosen stays in it. */
function ListPicker({ title, id, entries, chosen, onChange }: PickerProps) {
  const [words, setWords] = useState("");
  const wanted = words.trim().toLowerCase();
  const listed = entries.filter(({ key, text }) => chosen.includes(key) || text.toLowerCase().includes(wanted));
  return (
    <fieldset class="filter">
      <legend>{title}</legend>
      {entries.length > 8 && (
        <input
          class="filter-words"
          type="search"
          aria-label={`Find among ${title.toLowerCase()}`}
          placeholder="Find"
          value={words}
          onInput={(event) => {
            setWords(event.currentTarget.value);
          }}
        />
      )}
      <ul class="filter-list" data-testid={`filter-${id}`}>
        {listed.slice(0, LISTED_MOST).map(({ key, text }) => (
          <li key={key}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(key)}
                onChange={(event) => {
                  onChange(event.currentTarget.checked ? [...chosen, key] : chosen.filter((each) => each !== key));
                }}
              />
              <bdi>{visible(text)}</bdi>
            </label>
          </li>
        ))}
      </ul>
      {listed.length > LISTED_MOST && (
        <p class="quiet">{whole(listed.length - LISTED_MOST)} more: type to find them.</p>
      )}
    </fieldset>
  );
}

function Dates({ explorer }: { readonly explorer: Explorer }) {
  const window = useStore(explorer.window);
  const content = useStore(explorer.content);
  if (content === null) return null;
  const { axis } = content.layout;
  const set = (end: "from" | "until", text: string): void => {
    const at = Date.parse(`${text}T00:00:00Z`) / 1000;
    const seconds = text === "" || Number.isNaN(at) ? null : end === "until" ? at + 86_399 : at;
    const next = { ...window, [end]: seconds };
    // A window that ends before it begins shows nothing, and its slider could not be drawn.
    if ((next.from ?? axis.from) < (next.until ?? axis.until)) explorer.window.set(next);
  };
  return (
    <fieldset class="filter">
      <legend>Dates (UTC)</legend>
      <label class="filter-date">
        From
        <input
          type="date"
          data-testid="date-from"
          value={day(window.from ?? axis.from)}
          onChange={(event) => {
            set("from", event.currentTarget.value);
          }}
        />
      </label>
      <label class="filter-date">
        Until
        <input
          type="date"
          data-testid="date-until"
          value={day(window.until ?? axis.until)}
          onChange={(event) => {
            set("until", event.currentTarget.value);
          }}
        />
      </label>
    </fieldset>
  );
}

function Changes({ filters, set }: { readonly filters: Filters; readonly set: (change: Partial<Filters>) => void }) {
  const toggle = (kind: Kind, on: boolean): void => {
    set({ kinds: on ? [...filters.kinds, kind] : filters.kinds.filter((each) => each !== kind) });
  };
  return (
    <fieldset class="filter">
      <legend>Changes</legend>
      <label class="filter-path">
        File or folder
        <input
          type="text"
          data-testid="filter-path"
          value={filters.path}
          spellcheck={false}
          onChange={(event) => {
            set({ path: event.currentTarget.value.trim() });
          }}
        />
      </label>
      <ul class="filter-kinds">
        {KINDS.map((kind) => (
          <li key={kind}>
            <label>
              <input
                type="checkbox"
                data-testid={`kind-${kind}`}
                checked={filters.kinds.includes(kind)}
                onChange={(event) => {
                  toggle(kind, event.currentTarget.checked);
                }}
              />
              {KIND_NAMES[kind]}
            </label>
          </li>
        ))}
      </ul>
      <label class="filter-merges">
        Merges
        <select
          data-testid="filter-merges"
          value={filters.merges}
          onChange={(event) => {
            const { value } = event.currentTarget;
            set({ merges: value === "only" || value === "none" ? value : "any" });
          }}
        >
          <option value="any">and others</option>
          <option value="only">only</option>
          <option value="none">none</option>
        </select>
      </label>
    </fieldset>
  );
}

/** What commits must be to be shown. Every choice holds at once, in the scene, the histogram and the table. */
export function FiltersPanel({ explorer }: { readonly explorer: Explorer }) {
  const content = useStore(explorer.content);
  const { filters } = useStore(explorer.view);
  const { state, problem } = useStore(explorer.files);
  if (content === null) return null;
  const { graph, looks } = content;
  const set = (change: Partial<Filters>): void => {
    explorer.change({ filters: { ...filters, ...change } });
  };
  // One person may stand under several names with one address.
  const emails = new Map(
    looks.map(({ author }) => [graph.authors[author]?.email ?? "", graph.authors[author]?.name ?? ""]),
  );
  return (
    <section class="panel filters" aria-label="Filters" data-testid="filters-panel">
      <h2>Filters</h2>
      <Dates explorer={explorer} />
      <ListPicker
        title="Authors"
        id="authors"
        entries={[...emails].map(([email, name]) => ({ key: email, text: `${name} <${email}>` }))}
        chosen={filters.authors}
        onChange={(authors) => {
          set({ authors });
        }}
      />
      <ListPicker
        title="Branches"
        id="branches"
        entries={graph.branches.map((name) => ({ key: name, text: name }))}
        chosen={filters.branches}
        onChange={(branches) => {
          set({ branches });
        }}
      />
      <Changes filters={filters} set={set} />
      {state === "reading" && <p class="quiet">Reading the files of all commits…</p>}
      {problem !== null && <ProblemNote problem={problem} testId="filter-problem" />}
      <button
        type="button"
        class="button"
        data-testid="clear-filters"
        disabled={!isFiltering(filters)}
        onClick={() => {
          set(NO_FILTERS);
        }}
      >
        Clear the filters
      </button>
    </section>
  );
}
