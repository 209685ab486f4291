// SPDX-License-Identifier: Apache-2.0
import { visible } from "../format/text";
import { timeOfDay } from "../format/time";
import type { AppState } from "../state/app";

/** Which agent answers, how often it samples, and when it was heard last. */
export function Footer({ state }: { readonly state: AppState }) {
  const { held, version, intervalMs } = state;
  if (held === null) return null;
  return (
    <footer class="foot">
      <p>
        {version !== null && (
          <>
            Agent {visible(version)} · one sample in {intervalMs / 1000} s ·{" "}
          </>
        )}
        <span data-volatile>last heard {timeOfDay(held.receivedAt)}</span>
      </p>
    </footer>
  );
}
