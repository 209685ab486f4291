// SPDX-License-Identifier: Apache-2.0
import type { VerdictState } from "../api/host";
import { visible } from "../format/text";
import { isStale, pageState, verdictNow, type AppState } from "../state/app";
import degraded from "./icons/degraded.svg";
import failed from "./icons/failed.svg";
import healthy from "./icons/healthy.svg";
import unknown from "./icons/unknown.svg";

const ICONS: Readonly<Record<VerdictState, string>> = { healthy, degraded, failed, unknown };

/** The document's title: the verdict first, as a narrow tab shows only the beginning. */
export function titleOf(state: AppState): string {
  const { held } = state;
  switch (pageState(state)) {
    case "loading":
      return "Codex OS";
    case "signed-out":
      return "Sign in · Codex OS";
    case "offline":
      return held === null ? "Not reached · Codex OS" : `unknown · ${nameOf(state)} · Codex OS`;
    case "error":
      return held === null ? "Error · Codex OS" : `unknown · ${nameOf(state)} · Codex OS`;
    case "ready":
      return `${verdictNow(state) ?? "unknown"}${isStale(state) ? " (stale)" : ""} · ${nameOf(state)} · Codex OS`;
  }
}

function nameOf(state: AppState): string {
  return visible(state.held?.host.hostname ?? "unnamed host");
}

/**
 * Puts the state where the tab strip, scripts and tests see it: title, icon, `data-state`, `data-seq`. `waits`: the
 * host is known, but the view that shows it is not here yet.
 */
export function showInDocument(state: AppState, waits = false): void {
  const { dataset } = document.documentElement;
  dataset["state"] = waits ? "loading" : pageState(state);
  if (state.seq === null) delete dataset["seq"];
  else dataset["seq"] = state.seq.toString();
  document.title = titleOf(state);
  const icon = document.querySelector<HTMLLinkElement>("link[rel='icon']");
  const wanted = ICONS[verdictNow(state) ?? "unknown"];
  if (icon !== null && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}
