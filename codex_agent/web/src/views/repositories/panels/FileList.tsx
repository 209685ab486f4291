// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import type { FileChange } from "../../../api/history";
import { HostText } from "../../../ui/Field";
import { KIND_NAMES, KINDS } from "../state/filters";
import type { Source } from "../state/source";
import { Diff } from "./Diff";

const ROWS_MOST = 200;

function nameOf(status: string): string {
  const kind = KINDS.find((each) => each === status[0]);
  return kind === undefined ? status : KIND_NAMES[kind];
}

function Lines({ file }: { readonly file: FileChange }) {
  if (file.additions === null || file.deletions === null) return <span class="quiet">binary</span>;
  return (
    <span class="figure">
      <span class="lines-added">+{file.additions}</span> <span class="lines-deleted">−{file.deletions}</span>
    </span>
  );
}

interface FileListProps {
  readonly files: readonly FileChange[];
  readonly total: number;
  readonly source: Source;
  /** The commit whose changes they are; null where there is no patch of one commit to show. */
  readonly sha: string | null;
  readonly onPath: (path: string) => void;
}

/** Files of a difference; each opens to show what was changed in it. */
export function FileList({ files, total, source, sha, onPath }: FileListProps) {
  const [open, setOpen] = useState<string | null>(null);
  if (total === 0) return <p class="quiet">No files differ.</p>;
  return (
    <>
      <ul class="file-list" data-testid="commit-files">
        {files.slice(0, ROWS_MOST).map((file) => (
          <li key={file.path}>
            <div class="file-row">
              {sha === null ? (
                <HostText text={file.path} mono />
              ) : (
                <button
                  type="button"
                  class="link-button"
                  aria-expanded={open === file.path}
                  onClick={() => {
                    setOpen(open === file.path ? null : file.path);
                  }}
                >
                  <HostText text={file.path} mono />
                </button>
              )}
              <span class="quiet">{nameOf(file.status)}</span>
              <Lines file={file} />
              <button
                type="button"
                class="link-button"
                onClick={() => {
                  onPath(file.path);
                }}
              >
                History <span class="hidden">of {file.path}</span>
              </button>
            </div>
            {file.old_path !== null && file.old_path !== file.path && (
              <p class="quiet">
                from <HostText text={file.old_path} mono />
              </p>
            )}
            {sha !== null && open === file.path && <Diff source={source} sha={sha} path={file.path} />}
          </li>
        ))}
      </ul>
      {total > Math.min(files.length, ROWS_MOST) && (
        <p class="quiet">{total - Math.min(files.length, ROWS_MOST)} more files are not listed here.</p>
      )}
    </>
  );
}
