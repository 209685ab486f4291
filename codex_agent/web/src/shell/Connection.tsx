// SPDX-License-Identifier: Apache-2.0
import { age, timeOfDay } from "../format/time";
import type { Link } from "../state/app";
import { useNow } from "../ui/clock";

const WORDS: Readonly<Record<Link["state"], string>> = {
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
  offline: "offline",
};

/** `since 14:03:22 (12 s)`. */
function Since({ at }: { readonly at: number }) {
  const now = useNow();
  return (
    <span class="connection-since">
      {" "}
      since {timeOfDay(at)} ({age(Math.max(1000, now - at))})
    </span>
  );
}

/** How the page stands with the host: a word and a shape, and since when where it is not live. */
export function ConnectionPill({ link }: { readonly link: Link }) {
  const lost = link.state === "reconnecting" || link.state === "offline";
  return (
    <p class={`connection connection-${link.state}`} data-testid="connection" data-connection={link.state}>
      <svg class="connection-mark" viewBox="0 0 10 10" aria-hidden="true" focusable="false">
        {link.state === "live" ? (
          <circle cx="5" cy="5" r="4" />
        ) : (
          <circle cx="5" cy="5" r="3.2" class="connection-ring" />
        )}
        {link.state === "offline" && <path d="M2 8L8 2" class="connection-ring" />}
      </svg>
      <span class="hidden">Connection: </span>
      {WORDS[link.state]}
      {lost && <Since at={link.since} />}
    </p>
  );
}
