// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import { visible } from "../format/text";
import { age, timeOfDay } from "../format/time";
import { isStale, pageState, type AppState } from "../state/app";
import { useNow } from "../ui/clock";
import { Icon, type Tone } from "../ui/Icon";
import { Prose } from "../ui/Prose";
import { ReloadButton } from "../ui/ReloadButton";
import { useServices } from "./services";

/** A connection that comes back within this time is not worth moving the page for; the header tells of it at once. */
const NOTICE_AFTER_MS = 3_000;

function Retry({ at }: { readonly at: number | null }) {
  const { connection } = useServices();
  const now = useNow();
  const seconds = at === null ? 0 : Math.max(0, Math.ceil((at - now) / 1000));
  return (
    <span class="retry">
      <span class="figure quiet" data-volatile>
        {at === null ? "Trying now…" : `Next attempt in ${seconds} s`}
      </span>
      <button
        type="button"
        class="button"
        data-testid="retry"
        disabled={at === null}
        onClick={() => {
          connection.hurry();
        }}
      >
        Try now
      </button>
    </span>
  );
}

function Notice({
  tone,
  testId,
  children,
}: {
  readonly tone: Tone;
  readonly testId: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice notice-${tone}`} data-testid={testId}>
      <Icon tone={tone} />
      <div class="notice-body">{children}</div>
    </div>
  );
}

function StaleNotice({ state }: { readonly state: AppState }) {
  const now = useNow();
  const { held, link, problem } = state;
  if (held === null || (link.state !== "offline" && now - link.since < NOTICE_AFTER_MS)) return null;
  const old = age(Math.max(0, now - held.receivedAt));
  return (
    <Notice tone={link.state === "offline" ? "failed" : "degraded"} testId="stale-notice">
      <p>
        <strong>{link.state === "offline" ? "The host does not answer." : "The live connection was lost."}</strong> What
        is shown is the state of {timeOfDay(held.receivedAt)}
        <span data-volatile>, {old} ago</span>.{" "}
        {problem !== null && problem.kind !== "network" && (
          <span class="quiet">
            <Prose text={problem.message} /> {problem.hint !== null && <Prose text={problem.hint} />}
          </span>
        )}
      </p>
      <Retry at={link.retryAt} />
    </Notice>
  );
}

/** What a person should know about the page itself, above the view. */
export function Notices({ state }: { readonly state: AppState }) {
  const { version, firstVersion } = state;
  const updated = version !== null && firstVersion !== null && version !== firstVersion;
  return (
    <>
      {isStale(state) && <StaleNotice state={state} />}
      {updated && (
        <Notice tone="unknown" testId="update-notice">
          <p>
            The host now runs version {visible(version)}; this page came from {visible(firstVersion)}.
          </p>
          <ReloadButton />
        </Notice>
      )}
    </>
  );
}

/** In place of the view while there is nothing to show: being read, not reached, or refused. */
export function NoView({ state }: { readonly state: AppState }) {
  const { problem, link } = state;
  if (problem === null) {
    return (
      <section class="no-view" aria-busy="true" data-testid="loading">
        <h1>Reading the host&apos;s state</h1>
        <div class="skeleton" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      </section>
    );
  }
  const offline = pageState(state) === "offline";
  return (
    <section class="no-view" data-testid="problem">
      <Icon tone={offline ? "unknown" : "failed"} size="large" />
      <h1>{offline ? "The host is not reached" : "The host's state cannot be shown"}</h1>
      <p>
        <Prose text={problem.message} />
      </p>
      {problem.hint !== null && (
        <p class="quiet">
          <Prose text={problem.hint} />
        </p>
      )}
      <p class="quiet mono">{visible(problem.code)}</p>
      <Retry at={link.retryAt} />
    </section>
  );
}
