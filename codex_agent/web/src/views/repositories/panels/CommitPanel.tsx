// SPDX-License-Identifier: Apache-2.0
import type { CommitDetail } from "../../../api/history";
import { unhidden, visible } from "../../../format/text";
import { CopyButton } from "../../../ui/CopyButton";
import { HostText } from "../../../ui/Field";
import { ProblemNote } from "../../../ui/ProblemNote";
import { dateTime } from "../format";
import type { Explorer } from "../state/explorer";
import type { Source } from "../state/source";
import { useAnswer } from "../use-answer";
import { Comments } from "./Comments";
import { ComparePanel } from "./ComparePanel";
import { FileList } from "./FileList";

const BODY_MOST = 40;

function when(timestamp: string | null): string {
  return timestamp === null ? "no date that can be read" : dateTime(Date.parse(timestamp) / 1000);
}

/** Lines after the first, as they stand in the commit. */
function Body({ text }: { readonly text: string }) {
  const lines = text.trimEnd().split("\n").slice(1);
  while (lines[0]?.trim() === "") lines.shift();
  if (lines.length === 0) return null;
  return (
    <pre class="commit-body">
      {lines.slice(0, BODY_MOST).map((line) => `${unhidden(line)}\n`)}
      {lines.length > BODY_MOST && `… ${lines.length - BODY_MOST} more lines`}
    </pre>
  );
}

interface ActionsProps {
  readonly sha: string;
  readonly compared: string | null;
  readonly onShow: () => void;
  readonly onCompare: (sha: string | null) => void;
  readonly onClose: () => void;
}

function Actions({ sha, compared, onShow, onCompare, onClose }: ActionsProps) {
  return (
    <p class="commit-actions">
      <button type="button" class="button" data-testid="show-in-scene" onClick={onShow}>
        Show in the scene
      </button>
      <button
        type="button"
        class="button"
        data-testid="compare-from"
        onClick={() => {
          onCompare(compared === sha ? null : sha);
        }}
      >
        {compared === sha ? "Compare with nothing" : "Compare from here"}
      </button>
      <button type="button" class="button" data-testid="close-commit" onClick={onClose}>
        Close
      </button>
    </p>
  );
}

function Facts({ commit, onSelect }: { readonly commit: CommitDetail; readonly onSelect: (sha: string) => void }) {
  return (
    <dl class="fields">
      <div class="field">
        <dt>Author</dt>
        <dd data-testid="commit-author">
          <HostText text={commit.author} /> <span class="quiet">{visible(commit.author_email)}</span>
        </dd>
      </div>
      {(commit.committer !== commit.author || commit.committer_email !== commit.author_email) && (
        <div class="field">
          <dt>Committer</dt>
          <dd>
            <HostText text={commit.committer} /> <span class="quiet">{visible(commit.committer_email)}</span>
          </dd>
        </div>
      )}
      <div class="field">
        <dt>Committed</dt>
        <dd>{when(commit.timestamp)}</dd>
      </div>
      <div class="field">
        <dt>Branch</dt>
        <dd>{commit.branch === null ? "not known yet" : <HostText text={commit.branch} />}</dd>
      </div>
      {commit.refs.length > 0 && (
        <div class="field">
          <dt>Named</dt>
          <dd class="tags">
            {commit.refs.map((name) => (
              <span key={name} class="tag">
                {visible(name)}
              </span>
            ))}
          </dd>
        </div>
      )}
      <div class="field">
        <dt>{commit.parents.length === 1 ? "Parent" : "Parents"}</dt>
        <dd data-testid="commit-parents">
          {commit.parents.length === 0 && "none: the history begins here"}
          {commit.parents.map((parent) => (
            <button
              key={parent}
              type="button"
              class="link-button mono"
              onClick={() => {
                onSelect(parent);
              }}
            >
              {parent.slice(0, 12)}
            </button>
          ))}
        </dd>
      </div>
    </dl>
  );
}

interface CommitPanelProps {
  readonly explorer: Explorer;
  readonly source: Source;
  readonly sha: string;
  /** The commit that others are compared with. */
  readonly compared: string | null;
  readonly onCompare: (sha: string | null) => void;
  readonly onShow: () => void;
}

/** All that one commit says: message, people, place in the history, files and their changes. */
export function CommitPanel({ explorer, source, sha, compared, onCompare, onShow }: CommitPanelProps) {
  const { value: commit, problem } = useAnswer(sha, () => source.commit(sha));
  const select = (next: string | null): void => {
    explorer.change({ commit: next });
  };
  const openPath = (path: string): void => {
    explorer.change({ path });
  };
  return (
    <section class="panel" aria-label="Commit" data-testid="commit-panel" data-sha={sha}>
      <h2 data-testid="commit-subject">
        {commit === null ? "Commit" : <HostText text={commit.body.split("\n")[0] ?? commit.message} />}
      </h2>
      <p class="hash">
        <span class="mono quiet">{sha}</span>
        <CopyButton text={sha} what="commit id" />
      </p>
      <Actions
        sha={sha}
        compared={compared}
        onShow={onShow}
        onCompare={onCompare}
        onClose={() => {
          select(null);
        }}
      />
      {problem !== null && <ProblemNote problem={problem} testId="commit-problem" />}
      {commit === null && problem === null && <p class="quiet">Loading…</p>}
      {compared !== null && compared !== sha && (
        <ComparePanel source={source} old={compared} sha={sha} onPath={openPath} />
      )}
      {commit !== null && (
        <>
          <Facts commit={commit} onSelect={select} />
          <Body text={commit.body} />
          <h3>{commit.parents.length > 1 ? "Files (a merge has none of its own)" : "Files"}</h3>
          <FileList files={commit.files} total={commit.files_total} source={source} sha={sha} onPath={openPath} />
          <Comments key={sha} source={source} sha={sha} />
        </>
      )}
    </section>
  );
}
