// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";

import { counted, visible } from "../../../format/text";
import { useStore } from "../../../state/store";
import { ProblemNote } from "../../../ui/ProblemNote";
import { whole } from "../format";
import { shareOf } from "../layout/axis";
import { stateAt, type City } from "../layout/city";
import type { Explorer } from "../state/explorer";
import { useSettled } from "../use-settled";

const ROWS = 50;
const SETTLED_MS = 300;

export interface FileRow {
  readonly file: number;
  readonly changes: number;
  /** 0 to 1, of the most heat that any file ever has. */
  readonly heat: number;
}

/** The files that are there at a moment, those with most changes first. */
export function fileRows(city: City, share: number): FileRow[] {
  const found: FileRow[] = [];
  city.files.forEach((file, building) => {
    const { changes, heat } = stateAt(city, building, share);
    if (changes !== null) found.push({ file, changes: Math.round(changes), heat: heat / city.hottest });
  });
  return found.sort((a, b) => b.changes - a.changes || b.heat - a.heat || a.file - b.file);
}

/** The same files as in the scene, for those who hear the page or would rather read. */
export function FileTable({ explorer }: { readonly explorer: Explorer }) {
  const city = useStore(explorer.city);
  const content = useStore(explorer.content);
  const { files, problem } = useStore(explorer.files);
  const window = useSettled(useStore(explorer.window), SETTLED_MS);
  const rows = useMemo(() => {
    if (city === null || content === null) return null;
    const { axis } = content.layout;
    return fileRows(city, shareOf(axis, window.until ?? axis.until));
  }, [city, content, window]);
  if (problem !== null) return <ProblemNote problem={problem} testId="files-problem" />;
  if (city === null || files === null || rows === null)
    return (
      <p class="quiet" role="status">
        Reading the files of all commits…
      </p>
    );
  return (
    <section class="commit-table" aria-label="Table of files">
      <p class="quiet" data-testid="files-count" data-files={rows.length}>
        {counted(rows.length, "file")} at the end of the window
        {city.left > 0 && `; ${whole(city.left)} with fewer changes have no building`}. Height is the number of changes
        that are shown until then, colour how lately they were made.
      </p>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Files that are shown">
        <table class="table" data-testid="file-table">
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">Changes</th>
              <th scope="col">Heat</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, ROWS).map(({ file, changes, heat }) => {
              const path = files.paths[file] ?? "";
              return (
                <tr key={file}>
                  <th scope="row">
                    <button
                      type="button"
                      class="link-button mono"
                      onClick={() => {
                        explorer.change({ path });
                      }}
                    >
                      {visible(path)}
                    </button>
                  </th>
                  <td class="figure">{whole(changes)}</td>
                  <td class="figure">{Math.round(heat * 100)} %</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
