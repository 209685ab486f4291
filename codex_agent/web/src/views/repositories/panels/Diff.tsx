// SPDX-License-Identifier: Apache-2.0
import { unhidden, visible } from "../../../format/text";
import { ProblemNote } from "../../../ui/ProblemNote";
import type { Source } from "../state/source";
import { useAnswer } from "../use-answer";

const LINES_MOST = 400;

type Kind = "added" | "deleted" | "hunk" | "same";

export interface DiffLine {
  readonly kind: Kind;
  readonly text: string;
}

/** The lines of a patch from its first hunk on: what is before it only repeats names. */
export function linesOf(patch: string): DiffLine[] {
  const found: DiffLine[] = [];
  let inside = false;
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("diff --git ")) inside = false;
    if (line.startsWith("@@")) inside = true;
    if (!inside) {
      if (line.startsWith("Binary files")) found.push({ kind: "hunk", text: line });
      continue;
    }
    const first = line[0];
    const kind = first === "+" ? "added" : first === "-" ? "deleted" : first === " " ? "same" : "hunk";
    found.push({ kind, text: line });
  }
  return found;
}

interface DiffProps {
  readonly source: Source;
  readonly sha: string;
  readonly path: string;
}

/** What a commit changed in one file. */
export function Diff({ source, sha, path }: DiffProps) {
  const { value, problem } = useAnswer(`${sha} ${path}`, () => source.patch(sha, path));
  if (problem !== null) return <ProblemNote problem={problem} testId="diff-problem" />;
  if (value === null) return <p class="quiet">Loading the changes…</p>;
  const lines = linesOf(value.text);
  if (lines.length === 0) return <p class="quiet">No lines differ: only the name or the mode does.</p>;
  return (
    <div class="diff" data-testid="diff" tabIndex={0} role="group" aria-label={`Changes of ${visible(path)}`}>
      <pre>
        {lines.slice(0, LINES_MOST).map(({ kind, text }, at) => (
          <span key={at} class={`diff-${kind}`}>
            {unhidden(text)}
            {"\n"}
          </span>
        ))}
      </pre>
      {lines.length > LINES_MOST && (
        <p class="quiet">{lines.length - LINES_MOST} more lines are not shown here: git show has them all.</p>
      )}
    </div>
  );
}
