// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import { Card } from "../../ui/Card";
import { Prose } from "../../ui/Prose";
import { AskDialog } from "./AskDialog";
import type { Facts } from "./facts";
import { plansFor, sameRequest, type Plan } from "./plans";

function ActionRow({ plan, onAsk }: { readonly plan: Plan; readonly onAsk: () => void }) {
  const note = `action-${plan.action}-note`;
  return (
    <li class="action">
      <button
        type="button"
        class="button"
        data-testid={`action-${plan.action}`}
        disabled={plan.request === null}
        aria-describedby={note}
        aria-haspopup="dialog"
        onClick={onAsk}
      >
        {plan.label}
      </button>
      <span id={note} class={plan.request === null ? "quiet" : undefined}>
        <Prose text={plan.note} />
      </span>
    </li>
  );
}

/** The buttons. None of them does anything before its dialog was read and confirmed. */
export function ActionsCard({ facts }: { readonly facts: Facts }) {
  const plans = plansFor(facts);
  const [asking, setAsking] = useState<Plan | null>(null);
  const [begun, setBegun] = useState("");
  const request = asking?.request ?? null;
  const now = plans.find(({ action }) => action === asking?.action);
  return (
    <Card id="actions" title="Actions" paths={[]}>
      <ul class="actions">
        {plans.map((plan) => (
          <ActionRow
            key={plan.action}
            plan={plan}
            onAsk={() => {
              setBegun("");
              setAsking(plan);
            }}
          />
        ))}
      </ul>
      <p class="begun" role="status" data-testid="action-begun">
        {begun !== "" && <Prose text={begun} />}
      </p>
      {asking !== null && request !== null && (
        <AskDialog
          plan={asking}
          request={request}
          still={sameRequest(now?.request ?? null, request)}
          onBegun={(message) => {
            setAsking(null);
            setBegun(message);
          }}
          onClose={() => {
            setAsking(null);
          }}
        />
      )}
    </Card>
  );
}
