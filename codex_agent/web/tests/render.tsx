// SPDX-License-Identifier: Apache-2.0
import { render, type ComponentChildren } from "preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";

import type { Ask } from "../src/api/updates";
import { ServicesContext, type Services } from "../src/shell/services";
import { initialState, withHost, type AppState } from "../src/state/app";
import { createStore } from "../src/state/store";
import { snapshot } from "./fixture";

/** A state with a live host, received at `receivedAt`. */
export function liveState(change: Readonly<Record<string, unknown>> = {}, receivedAt = Date.now()): AppState {
  const base: AppState = { ...initialState(receivedAt), phase: "signed-in", version: "0.1.57", firstVersion: "0.1.57" };
  return {
    ...withHost(base, snapshot(change), receivedAt, 1),
    link: { state: "live", since: receivedAt, retryAt: null },
  };
}

export function services(state: AppState) {
  return {
    state: createStore(state),
    connection: { hurry: vi.fn() },
    askForUpdate: vi.fn<Ask>().mockResolvedValue({ accepted: true, message: "It begins." }),
    session: { signIn: vi.fn().mockResolvedValue(true), signOut: vi.fn().mockResolvedValue(undefined) },
  } satisfies Services;
}

let drawn: HTMLElement | null = null;

/** Draws into a fresh element of the document, effects included; what was drawn before is ended, timers and all. */
export async function draw(children: ComponentChildren): Promise<HTMLElement> {
  if (drawn !== null) render(null, drawn);
  document.body.replaceChildren();
  const root = document.createElement("div");
  document.body.append(root);
  drawn = root;
  await act(() => {
    render(children, root);
  });
  return root;
}

/** Lets the page live for a while: fake timers must be on. */
export async function pass(milliseconds: number): Promise<void> {
  await act(() => {
    vi.advanceTimersByTime(milliseconds);
  });
}

export function within(provided: Services, children: ComponentChildren) {
  return <ServicesContext.Provider value={provided}>{children}</ServicesContext.Provider>;
}

/** The element with the test id. Throws when there is none. */
export function byId(root: ParentNode, id: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-testid="${id}"]`);
  if (found === null) throw new Error(`Nothing has the test id ${id}.`);
  return found;
}

export function textOf(root: ParentNode, id: string): string {
  return byId(root, id).textContent.replace(/\s+/g, " ").trim();
}
