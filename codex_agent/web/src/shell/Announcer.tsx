// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";

import { visible } from "../format/text";
import { isStale, verdictNow, type AppState } from "../state/app";

/** What is worth saying aloud: the verdict and whether the host is heard. Figures that move are not. */
export function spokenState(state: AppState): string | null {
  const verdict = verdictNow(state);
  if (state.held === null || verdict === null) return null;
  const name = visible(state.held.host.hostname ?? "The host");
  if (state.link.state === "offline") return `${name} does not answer. Its state is unknown.`;
  if (isStale(state)) return `The connection to ${name} was lost. Reconnecting.`;
  return `${name} is ${verdict}.`;
}

/** Tells screen readers of changes of the verdict and of the connection, politely and once. */
export function Announcer({ state }: { readonly state: AppState }) {
  const spoken = spokenState(state);
  const before = useRef<string | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    if (spoken === before.current) return;
    // The first state is read as part of the page; only what changes after it is announced.
    if (before.current !== null) setText(spoken ?? "");
    before.current = spoken;
  }, [spoken]);
  return (
    <p class="hidden" role="status" data-testid="announcer">
      {text}
    </p>
  );
}
