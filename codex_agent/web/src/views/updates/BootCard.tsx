// SPDX-License-Identifier: Apache-2.0
import type { HostSnapshot } from "../../api/host";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { HostText } from "../../ui/Field";
import { Icon, toneOfCheck } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";

/** The probes that the boot of a new version cannot be good without: by them it stays or is given up. */
export function BootCard({ host }: { readonly host: HostSnapshot }) {
  const gates = host.verdict.checks.filter((check) => check.gates === true || check.on_trial === true);
  // What only degrades is no reason to give a version up.
  const met = gates.filter((check) => check.state !== "failed" && check.state !== "unknown").length;
  return (
    <Card
      id="boot"
      title="What a version is judged by"
      note={`${met} of ${counted(gates.length, "probe")} met`}
      paths={[]}
    >
      {gates.length === 0 ? (
        <p class="empty">The host has named no probe that a boot needs.</p>
      ) : (
        <ul class="gates">
          {gates.map((check) => (
            <li key={check.name} class="gate" data-testid={`gate-${check.name}`} data-check={check.state}>
              <Icon tone={toneOfCheck(check.state)} />
              <span class="gate-name">
                <HostText text={check.name} />
              </span>
              <span class="gate-message">
                <Prose text={check.message} />
              </span>
              <span class={`tone-text-${check.state}`}>{check.state}</span>
            </li>
          ))}
        </ul>
      )}
      <p class="quiet gates-note">
        As they are now. A new version stays if its boot meets these; all checks are in the view{" "}
        <a href="#/host">Host</a>.
      </p>
    </Card>
  );
}
