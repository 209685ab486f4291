// SPDX-License-Identifier: Apache-2.0
import type { Problem } from "../api/problem";
import { Icon } from "./Icon";
import { Prose } from "./Prose";

interface ProblemNoteProps {
  readonly problem: Problem;
  readonly testId: string;
  /** For the field that the problem is about. */
  readonly id?: string;
}

/** Says beside what was asked for why it was not done, and what helps. */
export function ProblemNote({ problem, testId, id }: ProblemNoteProps) {
  return (
    <div class="problem" id={id} role="alert" data-testid={testId}>
      <Icon tone="failed" />
      <p>
        <Prose text={problem.message} />{" "}
        {problem.hint !== null && (
          <span class="quiet">
            <Prose text={problem.hint} />
          </span>
        )}
      </p>
    </div>
  );
}
