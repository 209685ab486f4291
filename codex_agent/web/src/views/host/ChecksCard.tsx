// SPDX-License-Identifier: Apache-2.0
import type { HostSnapshot } from "../../api/host";
import { Card } from "../../ui/Card";
import { HostText, Unavailable } from "../../ui/Field";
import { Icon, toneOfCheck } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";
import { inOrderOfConcern } from "./checks";

function FailedUnits({ units }: { readonly units: HostSnapshot["units"] }) {
  const failed = units?.failed ?? null;
  return (
    <div class="units">
      <h3>Failed units</h3>
      {failed === null ? (
        <p>
          <Unavailable path="units.failed" />
        </p>
      ) : failed.length === 0 ? (
        <p class="quiet">none</p>
      ) : (
        <ul class="tags">
          {failed.map((unit) => (
            <li key={unit} class="tag tag-failed">
              <HostText text={unit} mono />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function ChecksCard({ host }: { readonly host: HostSnapshot }) {
  const { checks } = host.verdict;
  const passed = checks.filter((check) => check.state === "ok").length;
  return (
    <Card id="checks" title="Checks" note={`${passed} of ${checks.length} passed`} paths={["verdict", "units"]}>
      {checks.length === 0 ? (
        <p class="empty">The host ran no check, so nothing is claimed about its health.</p>
      ) : (
        <ul class="checks">
          {inOrderOfConcern(checks).map((check) => (
            <li key={check.name} class="check" data-testid={`check-${check.name}`} data-check={check.state}>
              <Icon tone={toneOfCheck(check.state)} />
              <span class="check-name">
                <HostText text={check.name} />
              </span>
              <span class="check-message">
                <Prose text={check.message} />
                {check.hint !== null && (
                  <span class="check-hint">
                    <Prose text={check.hint} />
                  </span>
                )}
              </span>
              <span class={`check-state tone-text-${check.state}`}>{check.state}</span>
            </li>
          ))}
        </ul>
      )}
      <FailedUnits units={host.units} />
    </Card>
  );
}
