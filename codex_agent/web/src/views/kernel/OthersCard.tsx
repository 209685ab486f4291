// SPDX-License-Identifier: Apache-2.0
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";

/** Services that have no figures: what the host says about why. */
export function OthersCard() {
  return (
    <Card id="others" title="Other services" paths={["services.scheduler", "services.tracing"]} wide>
      <dl class="fields">
        <Field label="Scheduler" path="services.scheduler" testId="service-scheduler">
          {null}
        </Field>
        <Field label="Tracing" path="services.tracing" testId="service-tracing">
          {null}
        </Field>
      </dl>
    </Card>
  );
}
