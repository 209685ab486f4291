// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Problem } from "../src/api/problem";
import { App } from "../src/shell/App";
import type { Route } from "../src/shell/router";
import type { Theme } from "../src/shell/theme";
import { initialState, type AppState } from "../src/state/app";
import { createStore } from "../src/state/store";
import { byId, draw, liveState, pass, services, textOf } from "./render";

beforeEach(() => {
  vi.useFakeTimers({
    now: Date.parse("2026-11-22T09:00:00Z"),
    toFake: ["Date", "setTimeout", "setInterval", "clearTimeout", "clearInterval"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

async function open(state: AppState, view = "host") {
  const provided = services(state);
  const theme = createStore<Theme>("system");
  const route = createStore<Route>({ view, rest: [] });
  const root = await draw(<App services={provided} route={route} theme={theme} />);
  // The view's code is fetched while the page stands.
  await act(() => vi.dynamicImportSettled());
  return { root, theme, ...provided };
}

function signedOut(problem: Problem | null = null): AppState {
  return { ...initialState(Date.now()), phase: "signed-out", signInProblem: problem };
}

describe("sign-in", () => {
  test("takes the token and empties the field when the host has taken it", async () => {
    const { root, session } = await open(signedOut());
    expect(document.documentElement.dataset["state"]).toBe("signed-out");
    const field = byId(root, "token-input") as HTMLInputElement;
    expect(field.type).toBe("password");
    expect(document.activeElement).toBe(field);
    field.value = "secret";
    await act(() => {
      root.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
    });
    expect(session.signIn).toHaveBeenCalledWith("secret");
    expect(field.value).toBe("");
  });

  test("keeps what was typed when the host refuses it, and says why", async () => {
    const { root, session } = await open(
      signedOut(new Problem("unauthorized", "unauthorized", "Wrong token.", "Use `x`.")),
    );
    session.signIn.mockResolvedValue(false);
    const field = byId(root, "token-input") as HTMLInputElement;
    field.value = "typo";
    await act(() => {
      root.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
    });
    expect(field.value).toBe("typo");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(field.getAttribute("aria-describedby")).toContain(byId(root, "sign-in-problem").id);
    expect(textOf(root, "sign-in-problem")).toBe("Wrong token. Use x.");
  });

  test("shows nothing of the host", async () => {
    const { root } = await open(signedOut());
    expect(root.querySelector("[data-testid=verdict], [data-testid=connection], [data-testid=sign-out]")).toBeNull();
  });
});

describe("states of the page", () => {
  test("loading says so", async () => {
    const { root } = await open({ ...initialState(Date.now()), phase: "signed-in" });
    expect(byId(root, "loading").getAttribute("aria-busy")).toBe("true");
    expect(document.documentElement.dataset["state"]).toBe("loading");
  });

  test("a view that is not here yet is loading too, not ready", async () => {
    const { root } = await open(liveState(), "not-here-yet");
    expect(byId(root, "loading")).not.toBeNull();
    expect(document.documentElement.dataset["state"]).toBe("loading");
  });

  test("an error shows sentence, hint and code, and a way on", async () => {
    const problem = new Problem("server", "not_ready", "No sample yet.", "Wait a moment.");
    const link = { state: "connecting", since: Date.now(), retryAt: Date.now() + 4000 } as const;
    const { root, connection } = await open({ ...initialState(Date.now()), phase: "signed-in", problem, link });
    const text = textOf(root, "problem");
    for (const part of ["No sample yet.", "Wait a moment.", "not_ready", "Next attempt in 4 s"])
      expect(text).toContain(part);
    byId(root, "retry").click();
    expect(connection.hurry).toHaveBeenCalledOnce();
  });

  test("live, lost, offline: the header, the notice and the verdict agree", async () => {
    const { root, state } = await open(liveState());
    expect(textOf(root, "connection")).toBe("Connection: live");
    expect(root.querySelector("[data-testid=stale-notice]")).toBeNull();

    const since = Date.now();
    await act(() => {
      state.update((now) => ({ ...now, link: { state: "reconnecting", since, retryAt: since + 60_000 } }));
    });
    expect(textOf(root, "connection")).toContain("reconnecting since");
    expect(root.querySelector("[data-testid=stale-notice]")).toBeNull();
    await pass(4000);
    expect(textOf(root, "stale-notice")).toContain("4 s ago");
    expect(textOf(root, "announcer")).toContain("Reconnecting");

    await act(() => {
      state.update((now) => ({ ...now, link: { state: "offline", since, retryAt: since + 60_000 } }));
    });
    expect(document.documentElement.dataset["state"]).toBe("offline");
    expect(textOf(root, "verdict")).toContain("unknown");
    expect(textOf(root, "verdict")).toContain("it said: healthy");
    expect(textOf(root, "announcer")).toContain("unknown");
  });

  test("a host that said unknown and is gone is told to be gone", async () => {
    const said = liveState({
      verdict: { state: "unknown", checks: [{ name: "a", state: "unknown", message: "Odd." }] },
    });
    const { root, state } = await open(said);
    expect(textOf(root, "verdict")).toContain("Odd.");
    await act(() => {
      state.update((now) => ({ ...now, link: { state: "offline", since: 0, retryAt: 1 } }));
    });
    expect(textOf(root, "verdict")).toContain("The host does not answer.");
    expect(textOf(root, "verdict")).not.toContain("Odd.");
  });

  test("an answer in an unknown form is no verdict", async () => {
    const { root } = await open({ ...liveState(), problem: new Problem("format", "unknown_form", "Odd.") });
    expect(textOf(root, "verdict")).toContain("cannot be shown");
    expect(byId(root, "verdict").dataset["verdict"]).toBe("unknown");
  });

  test("a change of the verdict is announced, the first one is not", async () => {
    const { root, state } = await open(liveState());
    expect(textOf(root, "announcer")).toBe("");
    await act(() => {
      state.set(liveState({ verdict: { state: "degraded", checks: [] } }));
    });
    expect(textOf(root, "announcer")).toBe("codex is degraded.");
    expect(byId(root, "announcer").getAttribute("role")).toBe("status");
  });

  test("another version of the agent is a notice, not a surprise", async () => {
    const { root } = await open({ ...liveState(), version: "0.1.58" });
    expect(textOf(root, "update-notice")).toContain("0.1.58");
  });
});

describe("frame", () => {
  test("has landmarks, a skip link and one main", async () => {
    const { root } = await open(liveState());
    expect(root.querySelectorAll("main, header.top, footer")).toHaveLength(3);
    root.querySelector<HTMLElement>(".skip")?.click();
    expect(document.activeElement?.id).toBe("main");
  });

  test("the theme button goes through the three themes and names where it stands", async () => {
    const { root, theme } = await open(signedOut());
    const seen: string[] = [];
    for (let press = 0; press < 3; press += 1) {
      await act(() => {
        byId(root, "theme").click();
      });
      seen.push(theme.get());
    }
    expect(seen).toEqual(["light", "dark", "system"]);
    expect(byId(root, "theme").getAttribute("aria-label")).toContain("as the system");
  });

  test("sign-out is a button with a name", async () => {
    const { root, session } = await open(liveState());
    const button = byId(root, "sign-out");
    expect(button.getAttribute("aria-label")).toBe("Sign out");
    button.click();
    expect(session.signOut).toHaveBeenCalledOnce();
  });
});
