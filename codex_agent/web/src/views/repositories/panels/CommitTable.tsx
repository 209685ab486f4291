// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";

import { visible } from "../../../format/text";
import { useStore } from "../../../state/store";
import { ProblemNote } from "../../../ui/ProblemNote";
import { dateTime, whole } from "../format";
import type { Content, Explorer, Shown } from "../state/explorer";
import { FAINT, SHOWN } from "../state/filters";
import type { Source } from "../state/source";
import { ranksOf, type Window } from "../time/window";
import { useAnswer } from "../use-answer";
import { useSettled } from "../use-settled";

export const ROWS = 50;
const SETTLED_MS = 300;

/** The places of a page of the commits that are shown, the newest first; while a search is on, of what it found. */
export function rowsOf(content: Content, shown: Shown, window: Window, searching: boolean, page: number): number[] {
  const { times, byRank } = content.layout.order;
  const { low, high } = ranksOf(times, window);
  const least = searching ? SHOWN : FAINT;
  const found: number[] = [];
  let skip = page * ROWS;
  for (let rank = high - 1; rank >= low && found.length < ROWS; rank -= 1) {
    const place = byRank[rank] ?? 0;
    if ((shown.states[place] ?? 0) < least) continue;
    if (skip > 0) skip -= 1;
    else found.push(place);
  }
  return found;
}

function totalOf(content: Content, shown: Shown, window: Window): number {
  const { low, high } = ranksOf(content.layout.order.times, window);
  return (shown.before[high] ?? 0) - (shown.before[low] ?? 0);
}

/** What the scene shows, as a table: for those who hear the page, and for everybody who would rather read. */
export function CommitTable({ explorer, source }: { readonly explorer: Explorer; readonly source: Source }) {
  const content = useStore(explorer.content);
  const shown = useStore(explorer.shown);
  // While time plays the table waits: nobody reads rows that change sixty times a second.
  const window = useSettled(useStore(explorer.window), SETTLED_MS);
  const { search, commit } = useStore(explorer.view);
  const hits = useStore(explorer.hits);
  const [wanted, setPage] = useState(0);
  const searching = search !== null && hits.places !== null;
  const total = content === null || shown === null ? 0 : totalOf(content, shown, window);
  const page = Math.min(wanted, Math.max(0, Math.ceil(total / ROWS) - 1));
  const rows = useMemo(
    () => (content === null || shown === null ? [] : rowsOf(content, shown, window, searching, page)),
    [content, shown, window, searching, page],
  );
  const shas = content === null ? [] : rows.map((place) => content.oids.text(place));
  const messages = useAnswer(shas.join(","), shas.length === 0 ? null : () => source.messages(shas));
  if (content === null || shown === null) return null;
  const bySha = new Map((messages.value ?? []).map((each) => [each.sha, each]));
  const { graph, layout } = content;
  return (
    <section class="commit-table" aria-label="Table of commits">
      {messages.problem !== null && <ProblemNote problem={messages.problem} testId="table-problem" />}
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Commits that are shown">
        <table class="table" data-testid="commit-table">
          <thead>
            <tr>
              <th scope="col">Commit</th>
              <th scope="col">Message</th>
              <th scope="col">Author</th>
              <th scope="col">Time</th>
              <th scope="col">Branch</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((place, row) => {
              const sha = shas[row] ?? "";
              return (
                <tr key={sha} aria-current={sha === commit ? "true" : undefined}>
                  <th scope="row">
                    <button
                      type="button"
                      class="link-button mono"
                      onClick={() => {
                        explorer.select(place);
                      }}
                    >
                      {sha.slice(0, 12)}
                    </button>
                  </th>
                  <td>
                    <bdi>{visible(bySha.get(sha)?.message ?? (messages.problem === null ? "…" : "unavailable"))}</bdi>
                  </td>
                  <td>
                    <bdi>{visible(graph.authors[graph.author[place] ?? 0]?.name ?? "")}</bdi>
                  </td>
                  <td class="figure">{dateTime(layout.order.when[place] ?? 0)}</td>
                  <td>
                    <bdi>{visible(graph.branches[graph.branch[place] ?? 0] ?? "")}</bdi>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="pager">
        <button
          type="button"
          class="button"
          data-testid="newer"
          disabled={page === 0}
          onClick={() => {
            setPage(page - 1);
          }}
        >
          Newer
        </button>
        <button
          type="button"
          class="button"
          data-testid="older"
          disabled={(page + 1) * ROWS >= total}
          onClick={() => {
            setPage(page + 1);
          }}
        >
          Older
        </button>
        <span class="quiet figure">
          Page {whole(page + 1)} of {whole(Math.max(1, Math.ceil(total / ROWS)))}
        </span>
      </p>
    </section>
  );
}
