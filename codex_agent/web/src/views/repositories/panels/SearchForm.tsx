// SPDX-License-Identifier: Apache-2.0
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

import { counted } from "../../../format/text";
import { useStore } from "../../../state/store";
import { ProblemNote } from "../../../ui/ProblemNote";
import type { Explorer } from "../state/explorer";
import { FIELDS, type Field } from "../state/link";

const NAMES: Readonly<Record<Field, string>> = {
  message: "in messages",
  author: "in authors",
  path: "by path",
  content: "in what was changed",
};

interface SearchFormProps {
  readonly explorer: Explorer;
  /** The field, for the key that leads to it. */
  readonly field: RefObject<HTMLInputElement | null>;
}

/** Searches the whole history on the host; what is found stands out in the scene. */
export function SearchForm({ explorer, field }: SearchFormProps) {
  const { search } = useStore(explorer.view);
  const hits = useStore(explorer.hits);
  const [words, setWords] = useState(search?.words ?? "");
  const [where, setWhere] = useState<Field>(search?.field ?? "message");
  useEffect(() => {
    setWords(search?.words ?? "");
    if (search !== null) setWhere(search.field);
  }, [search]);
  const found = hits.places?.size ?? 0;
  return (
    <form
      class="history-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const text = words.trim();
        explorer.change({ search: text === "" ? null : { field: where, words: text } });
      }}
    >
      <input
        ref={field}
        type="search"
        data-testid="search-words"
        aria-label="Search the history"
        placeholder="Search the history"
        maxLength={200}
        value={words}
        onInput={(event) => {
          setWords(event.currentTarget.value);
        }}
      />
      <select
        aria-label="Where to search"
        data-testid="search-field"
        value={where}
        onChange={(event) => {
          const { value } = event.currentTarget;
          setWhere(FIELDS.find((each) => each === value) ?? "message");
        }}
      >
        {FIELDS.map((each) => (
          <option key={each} value={each}>
            {NAMES[each]}
          </option>
        ))}
      </select>
      <button type="submit" class="button" data-testid="search-button">
        Search
      </button>
      {search !== null && (
        <button
          type="button"
          class="button"
          data-testid="search-clear"
          onClick={() => {
            explorer.change({ search: null });
          }}
        >
          Clear
        </button>
      )}
      <span class="quiet" role="status" data-testid="search-result">
        {hits.running && "Searching…"}
        {!hits.running && hits.places !== null && `${counted(found, "commit")} found`}
        {!hits.running && hits.cut !== null && `; there may be more: ${hits.cut}`}
      </span>
      {hits.problem !== null && <ProblemNote problem={hits.problem} testId="search-problem" />}
    </form>
  );
}
