// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import { asProblem, type Problem } from "../../../api/problem";
import { unhidden, visible } from "../../../format/text";
import { HostText } from "../../../ui/Field";
import { ProblemNote } from "../../../ui/ProblemNote";
import { dateTime } from "../format";
import type { Source } from "../state/source";
import { useAnswer } from "../use-answer";

const LONGEST = 10_000;

interface CommentsProps {
  readonly source: Source;
  readonly sha: string;
}

/** What people have said about a commit, and a field to say something. The host keeps it. */
export function Comments({ source, sha }: CommentsProps) {
  const [round, setRound] = useState(0);
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | null>(null);
  const { value, problem } = useAnswer(`${sha} ${round}`, () => source.comments(sha));
  const doing = async (act: () => Promise<unknown>, then: () => void): Promise<void> => {
    setBusy(true);
    setFailed(null);
    try {
      await act();
      then();
      setRound((now) => now + 1);
    } catch (thrown) {
      setFailed(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="comments" aria-label="Comments">
      <h3>Comments</h3>
      {problem !== null && <ProblemNote problem={problem} testId="comments-problem" />}
      {value?.length === 0 && <p class="quiet">Nobody has said anything yet.</p>}
      <ul class="comment-list" data-testid="comments">
        {(value ?? []).map(({ id, author, content, created_at: at }) => (
          <li key={id}>
            <p class="quiet">
              <HostText text={author} />, {dateTime(Date.parse(at) / 1000)}{" "}
              <button
                type="button"
                class="link-button"
                disabled={busy}
                onClick={() =>
                  void doing(
                    () => source.deleteComment(sha, id),
                    () => undefined,
                  )
                }
              >
                Delete <span class="hidden">the comment of {visible(author)}</span>
              </button>
            </p>
            {content.split("\n").map((line, nth) => (
              <p key={nth}>
                <bdi>{unhidden(line)}</bdi>
              </p>
            ))}
          </li>
        ))}
      </ul>
      <form
        class="comment-form"
        onSubmit={(event) => {
          event.preventDefault();
          const text = words.trim();
          if (text === "" || busy) return;
          void doing(
            () => source.addComment(sha, text),
            () => {
              setWords("");
            },
          );
        }}
      >
        <label>
          <span class="hidden">Say something about this commit</span>
          <textarea
            rows={2}
            maxLength={LONGEST}
            data-testid="comment-words"
            value={words}
            onInput={(event) => {
              setWords(event.currentTarget.value);
            }}
          />
        </label>
        <button type="submit" class="button" data-testid="comment-button" disabled={busy || words.trim() === ""}>
          Comment
        </button>
      </form>
      {failed !== null && <ProblemNote problem={failed} testId="comment-problem" />}
    </section>
  );
}
