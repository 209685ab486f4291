// SPDX-License-Identifier: Apache-2.0
import type { GivenUp } from "../../api/host";
import type { Known, Version } from "../../api/updates";
import { counted } from "../../format/text";
import { utc } from "../../format/time";
import { Card } from "../../ui/Card";
import { Field, HostText, Unavailable } from "../../ui/Field";
import { Icon, type Tone } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";
import { otherSlot, otherVersion, standingWords, type Facts } from "./facts";

function toneOf(version: Version): Tone {
  if (version.standing === "bad" || version.given_up !== null || version.whole === false) return "failed";
  return version.standing === "good" ? "ok" : "degraded";
}

function slotOf(version: Version, known: Known, slot: string | null): string | null {
  if (version.running) return slot;
  return otherVersion(known)?.version === version.version ? otherSlot(slot) : null;
}

function VersionRow({
  version,
  known,
  slot,
}: {
  readonly version: Version;
  readonly known: Known;
  readonly slot: string | null;
}) {
  const where = slotOf(version, known, slot);
  return (
    <tr data-testid={`version-${version.version}`}>
      <th scope="row">
        <HostText text={version.version} />
      </th>
      <td>{where ?? <Unavailable path="slot" />}</td>
      <td>
        <span class="standing">
          <Icon tone={toneOf(version)} />
          <span>
            {standingWords(version)}
            {version.whole === false && ", not whole in its slot"}
          </span>
        </span>
      </td>
      <td>
        <span class="tags">
          {version.running && <span class="tag">running</span>}
          {version.starts_next && <span class="tag">starts next</span>}
        </span>
      </td>
    </tr>
  );
}

const OUTCOMES = {
  failed: "its last boot was judged to be bad",
  unknown: "of its last boot it could not be said that it was good",
  "no-verdict": "its last boot ended before anything could be said",
} as const;

function GivenUpEntry({ given }: { readonly given: GivenUp }) {
  return (
    <li class="given-up" data-testid={`given-up-${given.version}`}>
      <p>
        <strong>
          <HostText text={given.version} />
        </strong>{" "}
        {counted(given.boots, "bad boot")}, {OUTCOMES[given.outcome]}
        <span class="quiet"> ({utc(Date.parse(given.last_at)) ?? "at a time that is not known"})</span>
      </p>
      <ul class="reasons">
        {given.reasons.map((reason) => (
          <li key={reason.check}>
            <HostText text={reason.check} />: <Prose text={reason.message} />
          </li>
        ))}
      </ul>
    </li>
  );
}

/** Versions that are not to be started again: what the journal of boots knows, and what else is remembered. */
function NotToBeUsed({ facts, known }: { readonly facts: Facts; readonly known: Known | null }) {
  const journal = facts.host.given_up;
  const told = new Set((journal ?? []).map(({ version }) => version));
  const others = Object.entries(known?.standing.given_up ?? {}).filter(([version]) => !told.has(version));
  if (journal !== null && journal.length === 0 && others.length === 0) return null;
  return (
    <div class="not-to-be-used">
      <h3>Given up</h3>
      {journal === null && (
        <p>
          <Unavailable path="given_up" />
        </p>
      )}
      <ul class="given-up-list">
        {(journal ?? []).map((given) => (
          <GivenUpEntry key={given.version} given={given} />
        ))}
        {others.map(([version, why]) => (
          <li key={version} class="given-up" data-testid={`given-up-${version}`}>
            <strong>
              <HostText text={version} />
            </strong>{" "}
            <Prose text={why} />
          </li>
        ))}
      </ul>
    </div>
  );
}

export function VersionsCard({ facts }: { readonly facts: Facts }) {
  const known = facts.updates?.known ?? null;
  return (
    <Card id="versions" title="Versions" paths={["slot", "image", "given_up"]}>
      {known === null ? (
        <dl class="fields">
          <Field label="Versions" path="updates">
            {null}
          </Field>
        </dl>
      ) : known.standing.versions.length === 0 ? (
        <p class="empty">No boot entry of this system was found on the boot partition.</p>
      ) : (
        <div class="table-scroll">
          <table class="table" data-testid="versions">
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">Slot</th>
                <th scope="col">Standing</th>
                <th scope="col">
                  <span class="hidden">Marks</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {known.standing.versions.map((version) => (
                <VersionRow key={version.version} version={version} known={known} slot={facts.host.slot} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {known !== null && known.standing.boot !== "blessed" && (
        <p data-testid="on-trial">
          This boot has not been found good: <Prose text={known.standing.boot_reason ?? "no reason was given"} />.
        </p>
      )}
      <NotToBeUsed facts={facts} known={known} />
    </Card>
  );
}
