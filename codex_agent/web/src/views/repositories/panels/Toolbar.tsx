// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import { useStore } from "../../../state/store";
import { isFiltering } from "../state/filters";
import type { Explorer } from "../state/explorer";
import { MODES, type Mode } from "../state/link";

const NAMES: Readonly<Record<Mode, string>> = {
  commits: "Commits",
  heatmap: "Files",
  branches: "Branches",
  all: "All",
};

interface ToolbarProps {
  readonly explorer: Explorer;
  readonly filtersOpen: boolean;
  /** Whether new commits are followed; `lost` while the host is not heard. */
  readonly live: "on" | "off" | "lost";
  readonly onLive: () => void;
  readonly onFilters: () => void;
  readonly onHome: () => void;
  readonly onPicture: () => void;
  readonly onHelp: () => void;
}

/** Copies the address of what is seen; says whether it worked. */
function ShareButton() {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      setSaid("Link copied");
    } catch {
      setSaid("Not allowed here: copy the address of this page");
    }
  };
  return (
    <>
      <button type="button" class="button" data-testid="share" onClick={() => void copy()}>
        Copy link
      </button>
      <span class="quiet" role="status" data-testid="share-result">
        {said}
      </span>
    </>
  );
}

/** What is shown, and what can be done with it. */
export function Toolbar({ explorer, filtersOpen, live, onLive, onFilters, onHome, onPicture, onHelp }: ToolbarProps) {
  const { mode, filters } = useStore(explorer.view);
  return (
    <div class="history-tools">
      <fieldset class="modes">
        <legend class="hidden">What is shown</legend>
        {MODES.map((each) => (
          <label key={each} class="mode">
            <input
              type="radio"
              name="history-mode"
              value={each}
              data-testid={`mode-${each}`}
              checked={mode === each}
              onChange={() => {
                explorer.change({ mode: each });
              }}
            />
            {NAMES[each]}
          </label>
        ))}
      </fieldset>
      <button type="button" class="button" aria-expanded={filtersOpen} data-testid="filters" onClick={onFilters}>
        Filters{isFiltering(filters) ? " (on)" : ""}
      </button>
      <button
        type="button"
        class="button"
        aria-pressed={live !== "off"}
        data-testid="live"
        data-live={live}
        onClick={onLive}
      >
        {live === "lost" ? "Live (not heard)" : "Live"}
      </button>
      <button type="button" class="button" data-testid="home" onClick={onHome}>
        See all
      </button>
      <button type="button" class="button" data-testid="picture" onClick={onPicture}>
        Save picture
      </button>
      <ShareButton />
      <button type="button" class="button" data-testid="help-button" onClick={onHelp}>
        Keys
      </button>
    </div>
  );
}
