// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo } from "preact/hooks";

import { counted } from "../../../format/text";
import { useStore } from "../../../state/store";
import { HostText } from "../../../ui/Field";
import { ProblemNote } from "../../../ui/ProblemNote";
import type { Files } from "../data/files";
import { NONE, placeOf, type Graph } from "../data/graph";
import { day } from "../format";
import type { Explorer } from "../state/explorer";
import { KIND_NAMES, KINDS } from "../state/filters";

const ROWS_MOST = 200;

export interface FileChangeRow {
  /** The place of the commit. */
  readonly place: number;
  readonly status: string;
  readonly added: number | null;
  readonly deleted: number | null;
}

/** The commits that changed a path, the newest first; through renames where the host has looked for them. */
export function historyOf(files: Files, graph: Graph, path: string): FileChangeRow[] {
  const byPath = new Map<number, { row: FileChangeRow; old: number | null; number: number }[]>();
  files.each(({ number, path: at, status, old, added, deleted }) => {
    const place = placeOf(graph.number, number);
    if (place === NONE) return;
    const row = { place, status: String.fromCharCode(status), added, deleted };
    const rows = byPath.get(at);
    if (rows === undefined) byPath.set(at, [{ row, old, number }]);
    else rows.push({ row, old, number });
  });
  const found: FileChangeRow[] = [];
  let name = files.paths.indexOf(path);
  let before = Infinity;
  // Back through the names that it had; each is left at the commit that gave the next one.
  for (const seen = new Set<number>(); name >= 0 && !seen.has(name);) {
    seen.add(name);
    const rows = (byPath.get(name) ?? []).filter(({ number }) => number < before).reverse();
    const renamed = rows.findIndex(({ row, old }) => row.status === "R" && old !== null);
    const own = renamed < 0 ? rows : rows.slice(0, renamed + 1);
    found.push(...own.map(({ row }) => row));
    const last = own.at(-1);
    if (renamed < 0 || last === undefined) break;
    name = last.old ?? -1;
    before = last.number;
  }
  return found;
}

function wordOf(status: string): string {
  const kind = KINDS.find((each) => each === status);
  return kind === undefined ? status : KIND_NAMES[kind];
}

function Rows({
  explorer,
  files,
  path,
}: {
  readonly explorer: Explorer;
  readonly files: Files;
  readonly path: string;
}) {
  const content = useStore(explorer.content);
  const rows = useMemo(() => (content === null ? [] : historyOf(files, content.graph, path)), [content, files, path]);
  if (content === null) return null;
  const { graph, layout, oids } = content;
  if (rows.length === 0) return <p class="quiet">No commit of this history changed it.</p>;
  return (
    <>
      <p class="quiet">
        {counted(rows.length, "change")} by commits that are no merges
        {!files.lines && `; lines and renames are not known (${files.reason ?? "no reason was given"})`}
      </p>
      <ol class="file-history" data-testid="file-history">
        {rows.slice(0, ROWS_MOST).map(({ place, status, added, deleted }) => (
          <li key={place}>
            <button
              type="button"
              class="link-button mono"
              onClick={() => {
                explorer.select(place);
              }}
            >
              {oids.text(place).slice(0, 12)}
            </button>{" "}
            <span class="figure">{day(layout.order.when[place] ?? 0)}</span> {wordOf(status)}{" "}
            {added !== null && <span class="lines-added">+{added}</span>}{" "}
            {deleted !== null && <span class="lines-deleted">−{deleted}</span>}{" "}
            <HostText text={graph.authors[graph.author[place] ?? 0]?.name ?? ""} />
          </li>
        ))}
      </ol>
      {rows.length > ROWS_MOST && <p class="quiet">{rows.length - ROWS_MOST} older changes are not listed here.</p>}
    </>
  );
}

/** The history of one file, and the filter that shows it in the scene. */
export function FilePanel({ explorer, path }: { readonly explorer: Explorer; readonly path: string }) {
  const { files, state, problem } = useStore(explorer.files);
  const { filters } = useStore(explorer.view);
  useEffect(() => void explorer.wantFiles(), [explorer]);
  const filtered = filters.path === path;
  return (
    <section class="panel" aria-label="File" data-testid="file-panel">
      <h2>
        <HostText text={path} mono />
      </h2>
      <p class="commit-actions">
        <button
          type="button"
          class="button"
          aria-pressed={filtered}
          data-testid="filter-by-file"
          onClick={() => {
            explorer.change({ filters: { ...filters, path: filtered ? "" : path } });
          }}
        >
          {filtered ? "Show all commits" : "Show only its commits"}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            explorer.change({ path: null });
          }}
        >
          Close
        </button>
      </p>
      {problem !== null && <ProblemNote problem={problem} testId="files-problem" />}
      {files === null && state === "reading" && <p class="quiet">Reading the files of all commits…</p>}
      {files !== null && <Rows explorer={explorer} files={files} path={path} />}
    </section>
  );
}
