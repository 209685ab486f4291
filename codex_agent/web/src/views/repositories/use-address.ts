// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";

import { addressOf } from "../../shell/router";
import type { Explorer } from "./state/explorer";
import { readScene, writeScene } from "./state/link";

const PAUSE_MS = 300;

/** The address follows what is seen, so that it can be given to others; what is given is what is seen. */
export function useAddress(explorer: Explorer, repo: string, link: string): void {
  const written = useRef(link);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        written.current = writeScene(explorer.scene);
        const parts = written.current === "" ? [repo] : [repo, written.current];
        window.history.replaceState(null, "", addressOf("repositories", ...parts));
      }, PAUSE_MS);
    };
    const ends = [explorer.view.subscribe(later), explorer.window.subscribe(later), explorer.look.subscribe(later)];
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [explorer, repo]);
  useEffect(() => {
    if (link === written.current) return;
    written.current = link;
    explorer.scene = readScene(link);
  }, [explorer, link]);
}
