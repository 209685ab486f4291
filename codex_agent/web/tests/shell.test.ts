// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { takeToken } from "../src/shell/address";
import { spokenState } from "../src/shell/Announcer";
import { showInDocument, titleOf } from "../src/shell/document-state";
import failed from "../src/shell/icons/failed.svg";
import healthy from "../src/shell/icons/healthy.svg";
import unknown from "../src/shell/icons/unknown.svg";
import { addressOf, parseRoute } from "../src/shell/router";
import { createTheme } from "../src/shell/theme";
import { views } from "../src/shell/views";
import { initialState, withHost, type AppState } from "../src/state/app";
import { snapshot } from "./fixture";

function ready(change: Record<string, unknown> = {}): AppState {
  const state = withHost({ ...initialState(0), phase: "signed-in" }, snapshot(change), 0, 7);
  return { ...state, link: { state: "live", since: 0, retryAt: null } };
}

function lost(state: AppState, how: "reconnecting" | "offline"): AppState {
  return { ...state, link: { state: how, since: 0, retryAt: 1 } };
}

describe("the token in the address", () => {
  afterEach(() => {
    window.history.replaceState(null, "", "/");
  });

  test("is taken once and leaves address and history", () => {
    window.history.replaceState(null, "", "/?a=1#token=abc-_123");
    const entries = window.history.length;
    expect(takeToken()).toBe("abc-_123");
    expect(window.location.href).not.toContain("abc-_123");
    expect(window.location.search).toBe("?a=1");
    expect(window.history).toHaveLength(entries);
    expect(takeToken()).toBeNull();
  });

  test("other fragments are left alone", () => {
    window.history.replaceState(null, "", "/#/host");
    expect(takeToken()).toBeNull();
    expect(window.location.hash).toBe("#/host");
  });
});

describe("router", () => {
  test("finds view and rest", () => {
    expect(parseRoute("#/host/a%2Fb/c", ["host"])).toEqual({ view: "host", rest: ["a/b", "c"] });
    expect(addressOf("host", "a/b", "c")).toBe("#/host/a%2Fb/c");
  });

  test.each(["", "#", "#/", "#/nowhere/x", "#token=x", "#/%E0%A4%A"])("%s is the first view", (hash) => {
    expect(parseRoute(hash, ["host", "other"])).toEqual({ view: "host", rest: [] });
  });

  test("the views that register themselves have different names and titles", () => {
    expect(views.map(({ id }) => id)).toContain("host");
    expect(new Set(views.map(({ id }) => id)).size).toBe(views.length);
    expect(new Set(views.map(({ title }) => title)).size).toBe(views.length);
  });
});

describe("document", () => {
  beforeEach(() => {
    document.head.replaceChildren();
    const icon = document.createElement("link");
    icon.rel = "icon";
    document.head.append(icon);
  });

  function icon(): string {
    return document.querySelector("link[rel='icon']")?.getAttribute("href") ?? "";
  }

  test("shows state, sequence number, title and icon", () => {
    showInDocument(ready());
    expect(document.documentElement.dataset).toMatchObject({ state: "ready", seq: "7" });
    expect(document.title).toBe("healthy · codex · Codex OS");
    expect(icon()).toBe(healthy);
    showInDocument(ready({ verdict: { state: "failed", checks: [] } }));
    expect(icon()).toBe(failed);
  });

  test("never says healthy of a host that is not heard", () => {
    expect(titleOf(lost(ready(), "reconnecting"))).toBe("healthy (stale) · codex · Codex OS");
    showInDocument(lost(ready(), "offline"));
    expect(document.title).toBe("unknown · codex · Codex OS");
    expect(document.documentElement.dataset["state"]).toBe("offline");
    expect(icon()).toBe(unknown);
  });

  test("is not ready before the view is there to show it", () => {
    showInDocument(ready(), true);
    expect(document.documentElement.dataset["state"]).toBe("loading");
  });

  test("forgets the number when signed out", () => {
    showInDocument(ready());
    showInDocument({ ...initialState(0), phase: "signed-out" });
    expect(document.documentElement.dataset["seq"]).toBeUndefined();
    expect(document.title).toBe("Sign in · Codex OS");
  });

  test("a hostile host name is text, with hidden characters written out", () => {
    expect(titleOf(ready({ hostname: "<b>\u202ex" }))).toBe("healthy · <b>\\u{202e}x · Codex OS");
  });
});

describe("what is said aloud", () => {
  test("verdict and connection, nothing that moves by the second", () => {
    expect(spokenState(initialState(0))).toBeNull();
    expect(spokenState(ready())).toBe("codex is healthy.");
    expect(spokenState(ready({ uptime_s: 99 }))).toBe("codex is healthy.");
    expect(spokenState(lost(ready(), "reconnecting"))).toContain("Reconnecting");
    expect(spokenState(lost(ready(), "offline"))).toContain("unknown");
  });
});

describe("theme", () => {
  afterEach(() => {
    localStorage.clear();
  });

  test("follows the system until chosen, then is remembered", () => {
    const theme = createTheme();
    expect(document.documentElement.dataset["theme"]).toBe("system");
    theme.set("dark");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(createTheme().get()).toBe("dark");
    theme.set("system");
    expect(localStorage).toHaveLength(0);
  });

  test("what else stands in the store is ignored", () => {
    localStorage.setItem("codex.theme", "url(evil)");
    expect(createTheme().get()).toBe("system");
  });
});
