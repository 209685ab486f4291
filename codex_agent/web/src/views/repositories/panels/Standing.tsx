// SPDX-License-Identifier: Apache-2.0
import { useStore } from "../../../state/store";
import { ProblemNote } from "../../../ui/ProblemNote";
import { whole } from "../format";
import type { Explorer } from "../state/explorer";

/** How far the history is here, and what keeps the rest. */
export function Standing({ explorer }: { readonly explorer: Explorer }) {
  const { state, count, total, problem } = useStore(explorer.progress);
  if (state === "failed" && problem !== null) {
    return (
      <div class="standing-failed">
        <ProblemNote problem={problem} testId="history-problem" />
        <button type="button" class="button" data-testid="history-retry" onClick={() => void explorer.read()}>
          Try again
        </button>
      </div>
    );
  }
  const text =
    state === "waiting"
      ? "The host reads this history for the first time…"
      : state === "ready"
        ? ""
        : total === 0
          ? "Loading the history…"
          : `Loading: ${whole(count)} of ${whole(total)} commits…`;
  return (
    <p class="quiet" role="status" data-testid="history-progress">
      {text}
    </p>
  );
}
