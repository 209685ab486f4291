// SPDX-License-Identifier: Apache-2.0
import type { Ended, Known, Work } from "../../api/updates";
import { bytes, wholePercent } from "../../format/quantity";
import { utc } from "../../format/time";
import { Card } from "../../ui/Card";
import { Field, HostText } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Meter, OpenMeter } from "../../ui/Meter";
import { Prose } from "../../ui/Prose";
import { workNow, type Facts } from "./facts";

const DOING = {
  check: "The source is being looked at",
  apply: "The update is being prepared",
  rollback: "The way back is being taken",
  restart: "The host is about to restart",
} as const;
const BY = { command: "from the command line", timer: "by the host's policy", page: "from this page" } as const;

/** `Version 0.1.9 is being fetched`. Without figures: it is said aloud whenever it changes. */
export function workWords(work: Work): string {
  const version = work.version === null ? "A version" : `Version ${work.version}`;
  if (work.action === "apply" && work.stage === "fetching") return `${version} is being fetched`;
  if (work.action === "apply" && work.stage === "writing") return `${version} is being written`;
  return DOING[work.action];
}

function amount(work: Work): string {
  if (work.total === 0) return `${bytes(work.done)} so far`;
  if (work.unit === "percent") return `${work.done} %`;
  if (work.unit === "count") return `${work.done} of ${work.total}`;
  return `${bytes(work.done)} of ${bytes(work.total)}`;
}

function Progress({ work }: { readonly work: Work }) {
  const percent = wholePercent(work.done, work.total);
  return (
    <div class="work">
      <p class="work-words">
        <strong role="status" data-testid="work">
          {workWords(work)}
        </strong>
        <span class="quiet">{BY[work.by]}</span>
      </p>
      {work.name !== null && (
        <p class="work-file" data-volatile data-testid="work-amount">
          <HostText text={work.name} mono /> <span class="figure">{amount(work)}</span>
        </p>
      )}
      {work.name !== null &&
        (percent === null ? <OpenMeter label={work.name} /> : <Meter percent={percent} label={work.name} />)}
      {work.said !== null && (
        <p class="quiet">
          <Prose text={work.said} />
        </p>
      )}
    </div>
  );
}

function Last({ ended }: { readonly ended: Ended }) {
  return (
    <div class="last" data-testid="last" data-good={ended.good}>
      <Icon tone={ended.good ? "ok" : "failed"} />
      <p>
        <span class="hidden">{ended.good ? "Done: " : "Refused or failed: "}</span>
        <Prose text={ended.message} />{" "}
        {ended.hint !== null && (
          <span class="quiet">
            <Prose text={ended.hint} />{" "}
          </span>
        )}
        <span class="quiet last-when">
          {utc(Date.parse(ended.at)) ?? "at a time that is not known"}, {BY[ended.by]}
        </span>
      </p>
    </div>
  );
}

/** What an update has left as its last word in earlier starts of the host. */
function Remembered({ known }: { readonly known: Known }) {
  const { begun } = known.standing;
  if (begun === null) return null;
  const unfinished = begun.stage !== "none" && begun.stage !== "written" && begun.version !== null;
  return (
    <>
      {unfinished && (
        <p data-testid="begun">
          The update to version {begun.version} was begun ({begun.stage}) and not ended; asked for again, it goes on.
        </p>
      )}
      {begun.whole_because !== null && (
        <p class="quiet">
          The whole root was fetched: <Prose text={begun.whole_because} />
        </p>
      )}
      {known.ended === null && begun.last_error !== null && (
        <div class="last" data-testid="last" data-good={false}>
          <Icon tone="failed" />
          <p>
            <span class="hidden">Refused or failed: </span>
            <Prose text={begun.last_error} />
          </p>
        </div>
      )}
    </>
  );
}

/** What is under way, and how the last command ended. */
export function StateCard({ facts }: { readonly facts: Facts }) {
  const known = facts.updates?.known ?? null;
  const work = workNow(facts.updates);
  return (
    <Card id="update-state" title="Now" paths={["updates"]}>
      {known === null ? (
        <dl class="fields">
          <Field label="Updates" path="updates" testId="updates-missing">
            {null}
          </Field>
        </dl>
      ) : (
        <div class="update-state">
          {work !== null && <Progress work={work} />}
          {facts.updates?.silent === true && (
            <p data-testid="silent">
              An update was under way and has not been heard for a minute: how far it is, and whether it goes on, is not
              known.
            </p>
          )}
          {work === null && facts.updates?.silent !== true && <p data-testid="idle">Nothing is under way.</p>}
          {work === null && known.ended !== null && <Last ended={known.ended} />}
          {work === null && <Remembered known={known} />}
          {known.standing.problems.map((problem) => (
            <div key={problem} class="last" data-testid="update-problem">
              <Icon tone="degraded" />
              <p>
                <Prose text={problem} />
              </p>
            </div>
          ))}
          <dl class="fields">
            <Field label="Policy" path="updates" testId="update-policy">
              <HostText text={known.standing.policy.mode} />
              {known.standing.policy.window !== null && (
                <>
                  {" "}
                  in <HostText text={known.standing.policy.window} />
                </>
              )}
            </Field>
            <Field label="Source" path="updates" testId="update-source">
              {known.standing.policy.source === null ? (
                <span class="quiet">none</span>
              ) : (
                <HostText text={known.standing.policy.source} mono />
              )}
            </Field>
          </dl>
        </div>
      )}
    </Card>
  );
}
