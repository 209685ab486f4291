// SPDX-License-Identifier: Apache-2.0
import { counted } from "../../../format/text";
import { ProblemNote } from "../../../ui/ProblemNote";
import type { Source } from "../state/source";
import { useAnswer } from "../use-answer";
import { FileList } from "./FileList";

interface ComparePanelProps {
  readonly source: Source;
  readonly old: string;
  readonly sha: string;
  readonly onPath: (path: string) => void;
}

/** What differs between two commits. */
export function ComparePanel({ source, old, sha, onPath }: ComparePanelProps) {
  const { value, problem } = useAnswer(`${old} ${sha}`, () => source.compare(old, sha));
  if (problem !== null) return <ProblemNote problem={problem} testId="compare-problem" />;
  if (value === null) return <p class="quiet">Comparing…</p>;
  const base = value.merge_base;
  return (
    <section class="compared" aria-label="Comparison" data-testid="comparison">
      <h3>
        From <code>{old.slice(0, 12)}</code> to <code>{sha.slice(0, 12)}</code>
      </h3>
      <p>
        {counted(value.files_total, "file")}, <span class="lines-added">+{value.additions}</span>{" "}
        <span class="lines-deleted">−{value.deletions}</span>
        <span class="quiet">
          {base === null ? "; they have no common ancestor" : `; both come from ${base.slice(0, 12)}`}
        </span>
      </p>
      <FileList files={value.files} total={value.files_total} source={source} sha={null} onPath={onPath} />
    </section>
  );
}
