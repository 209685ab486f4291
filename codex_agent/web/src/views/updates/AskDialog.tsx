// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import { asProblem, type Problem } from "../../api/problem";
import type { Request } from "../../api/updates";
import { useServices } from "../../shell/services";
import { Dialog } from "../../ui/Dialog";
import { ProblemNote } from "../../ui/ProblemNote";
import { Prose } from "../../ui/Prose";
import type { Plan } from "./plans";

interface AskDialogProps {
  readonly plan: Plan;
  readonly request: Request;
  /** What the dialog says is still what would happen. */
  readonly still: boolean;
  readonly onBegun: (message: string) => void;
  readonly onClose: () => void;
}

/** Says what will happen, and has the host do it only when that is confirmed. */
export function AskDialog({ plan, request, still, onBegun, onClose }: AskDialogProps) {
  const { askForUpdate } = useServices();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const confirm = async (): Promise<void> => {
    if (busy || !still) return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await askForUpdate(request);
      onBegun(answer.message);
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={plan.question} testId="ask" onClose={onClose}>
      <ul class="points" data-testid="ask-points">
        {plan.points.map((point) => (
          <li key={point}>
            <Prose text={point} />
          </li>
        ))}
      </ul>
      {problem !== null && <ProblemNote problem={problem} testId="ask-problem" />}
      {!still && !busy && (
        <p role="status" data-testid="ask-changed">
          Things have changed on the host since this was asked. Close this and look again.
        </p>
      )}
      <div class="dialog-buttons">
        <button type="button" class="button" data-testid="ask-cancel" data-autofocus onClick={onClose}>
          {busy ? "Close" : "Cancel"}
        </button>
        <button
          type="button"
          class="button-primary"
          data-testid="ask-confirm"
          disabled={busy || !still}
          aria-busy={busy}
          onClick={() => void confirm()}
        >
          {busy ? "Asking the host…" : plan.label}
        </button>
      </div>
    </Dialog>
  );
}
