// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

import type { Follow } from "../../api/live";
import type { Explorer } from "./state/explorer";

/** Many changes at once, as of a push, are one reading. */
const PAUSE_MS = 400;

/** Reads the history anew when it has changed, as long as `wanted`; tells whether changes are heard of. */
export function useLive(explorer: Explorer, repo: string, follow: Follow, wanted: boolean): boolean {
  const [heard, setHeard] = useState(false);
  useEffect(() => {
    if (!wanted) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = follow(repo, {
      heard: setHeard,
      changed: (generation) => {
        // Before the first answer there is a reading under way, which will be of this generation or a later one.
        const known = explorer.content.get()?.graph.generation;
        if (known === undefined || known === generation) return;
        clearTimeout(timer);
        timer = setTimeout(() => void explorer.read(), PAUSE_MS);
      },
    });
    return () => {
      clearTimeout(timer);
      end();
      setHeard(false);
    };
  }, [explorer, repo, follow, wanted]);
  return heard;
}
