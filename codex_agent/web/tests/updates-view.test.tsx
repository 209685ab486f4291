// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Problem } from "../src/api/problem";
import type { Answer, Updates } from "../src/api/updates";
import { matching } from "../src/views/updates/OfferCard";
import UpdatesView from "../src/views/updates/UpdatesView";
import { byId, draw, liveState, services, textOf, within } from "./render";
import { ended, offered, standing, updates, version, work } from "./updates";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T09:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

async function show(given: Updates | null = updates(), change: Readonly<Record<string, unknown>> = {}) {
  const state = liveState(change);
  const provided = services({ ...state, updates: given === null ? null : { data: given, receivedAt: Date.now() } });
  const root = await draw(within(provided, <UpdatesView />));
  const set = (next: Updates) =>
    act(() => {
      provided.state.update((now) => ({ ...now, updates: { data: next, receivedAt: Date.now() } }));
    });
  return { root, set, ...provided };
}

async function press(root: ParentNode, id: string): Promise<void> {
  await act(() => {
    byId(root, id).click();
  });
}

function dialog(root: ParentNode): HTMLDialogElement | null {
  return root.querySelector("dialog");
}

describe("what is shown", () => {
  test("both versions, their slots and standing", async () => {
    const versions = [
      version("0.1.57", { running: true }),
      version("0.1.58", { standing: "counted", tries_left: 2, starts_next: true }),
    ];
    const { root } = await show(updates({ standing: standing({ versions }) }));
    expect(textOf(root, "version-0.1.57")).toBe("0.1.57Agoodrunning");
    expect(textOf(root, "version-0.1.58")).toContain("B");
    expect(textOf(root, "version-0.1.58")).toContain("on trial, 2 tries left");
    expect(textOf(root, "version-0.1.58")).toContain("starts next");
    expect(root.querySelectorAll("h1")).toHaveLength(1);
  });

  test("a version that was given up, and why: from the journal of boots and from what is remembered", async () => {
    const given = {
      version: "0.1.58",
      boots: 3,
      last_at: "2026-11-22T08:00:00Z",
      outcome: "failed",
      reasons: [{ check: "gpu", message: "No GPU answers." }],
    };
    const given_up = { "0.1.58": "x", "0.1.50": "an operator went back from it" };
    const { root } = await show(updates({ standing: standing({ given_up }) }), { given_up: [given] });
    expect(textOf(root, "given-up-0.1.58")).toContain("3 bad boots, its last boot was judged to be bad");
    expect(textOf(root, "given-up-0.1.58")).toContain("gpu: No GPU answers.");
    expect(textOf(root, "given-up-0.1.50")).toContain("an operator went back from it");
  });

  test("what is offered, and the packages before and after", async () => {
    const { root } = await show();
    expect(textOf(root, "offered")).toBe("0.1.58");
    expect(textOf(root, "changes-count")).toBe("3 packages differ.");
    const rows = [...byId(root, "changes").querySelectorAll("tbody tr")].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    );
    expect(rows).toEqual([
      ["openssl", "3.5.1", "3.5.2"],
      ["newcomer", "new", "1.0"],
      ["leaver", "2.0", "removed"],
    ]);
    expect(root.querySelector("[data-testid=many-changes]")).toBeNull();
  });

  test("many packages are folded and can be searched", async () => {
    const changes = Array.from({ length: 40 }, (_, n) => ({ package: `lib${n}`, before: "1", after: `2.${n}` }));
    const { root } = await show(updates({ offered: offered({ changes, left_out: 2 }) }));
    expect(textOf(root, "changes-count")).toBe("42 packages differ. 2 packages of them are not told here.");
    expect((byId(root, "many-changes") as HTMLDetailsElement).open).toBe(false);
    const field = byId(root, "changes-search") as HTMLInputElement;
    field.value = "LIB39";
    await act(() => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(textOf(root, "changes-found")).toBe("1 package");
    expect(byId(root, "changes").querySelectorAll("tbody tr")).toHaveLength(1);
    expect(root.querySelector(`label[for="${field.id}"]`)).not.toBeNull();
  });

  test("searching finds what is new or removed as well", () => {
    const changes = [
      { package: "a", before: null, after: "1" },
      { package: "b", before: "1", after: null },
    ];
    expect(matching(changes, "removed").map((change) => change.package)).toEqual(["b"]);
    expect(matching(changes, " NEW ").map((change) => change.package)).toEqual(["a"]);
  });

  test("progress with bytes, and words without figures for those who hear the page", async () => {
    const { root, set } = await show(updates({ work: work() }));
    expect(textOf(root, "work")).toBe("Version 0.1.58 is being fetched");
    expect(byId(root, "work").getAttribute("role")).toBe("status");
    expect(textOf(root, "work-amount")).toContain("15.0 MiB of 30.0 MiB");
    expect(root.querySelector("[role=meter]")?.getAttribute("aria-valuenow")).toBe("50");
    await set(updates({ work: work({ stage: "writing", done: 40, total: 100, unit: "percent" }) }));
    expect(textOf(root, "work")).toBe("Version 0.1.58 is being written");
    expect(textOf(root, "work-amount")).toContain("40 %");
  });

  test("chunks, whose whole is not known: what came so far, and a bar without an end", async () => {
    const name = "chunks of codex-os_0.1.58_x86-64.root.erofs";
    const { root, set } = await show(updates({ work: work({ name, done: 3 * 2 ** 20, total: 0 }) }));
    expect(textOf(root, "work-amount")).toBe(`${name} 3.00 MiB so far`);
    const bar = root.querySelector("[role=progressbar]");
    expect(bar?.getAttribute("aria-label")).toBe(name);
    expect(bar?.hasAttribute("aria-valuenow")).toBe(false);
    expect(root.querySelector(".work [role=meter]")).toBeNull();
    await set(updates({ work: work({ name, done: 7 * 2 ** 20, total: 7 * 2 ** 20 }) }));
    expect(root.querySelector("[role=progressbar]")).toBeNull();
    expect(root.querySelector(".work [role=meter]")?.getAttribute("aria-valuenow")).toBe("100");
  });

  test("a work that is not heard any more is not shown as going on", async () => {
    const { root } = await show(updates({ work: work() }, { silent: true }));
    expect(root.querySelector("[data-testid=work]")).toBeNull();
    expect(textOf(root, "silent")).toContain("not known");
  });

  test("the last refusal as a sentence with its hint", async () => {
    const refused = ended({ good: false, message: "It is not signed.", hint: "Tell whoever makes it.", exit_code: 20 });
    const { root } = await show(updates({ ended: refused }));
    expect(byId(root, "last").dataset["good"]).toBe("false");
    expect(textOf(root, "last")).toContain("Refused or failed: It is not signed. Tell whoever makes it.");
  });

  test("what was remembered over a restart", async () => {
    const begun = {
      stage: "fetching",
      version: "0.1.58",
      since: null,
      moved_bytes: 7,
      whole_because: null,
      last_error: "The source stopped.",
    };
    const { root } = await show(updates({ standing: standing({ begun }) }));
    expect(textOf(root, "begun")).toContain("asked for again, it goes on");
    expect(textOf(root, "last")).toContain("The source stopped.");
  });

  test("the probes that a boot needs", async () => {
    const checks = [
      { name: "agent", state: "failed", message: "It does not answer.", gates: true, on_trial: true },
      { name: "gpu", state: "failed", message: "One is lost.", gates: false, on_trial: true },
      { name: "disk-space", state: "degraded", message: "Nearly full.", gates: false, on_trial: true },
      { name: "lockdown", state: "failed", message: "Off.", gates: false, on_trial: false },
    ];
    const { root } = await show(updates(), { verdict: { state: "failed", checks } });
    expect(byId(root, "gate-agent").dataset["check"]).toBe("failed");
    expect(byId(root, "gate-gpu").dataset["check"]).toBe("failed");
    expect(root.querySelector("[data-testid=gate-lockdown]")).toBeNull();
    expect(textOf(root, "card-boot")).toContain("1 of 3 probes met");
  });

  test.each<[Updates | null, string]>([
    [null, "the host has not said yet"],
    [updates(null), "/run/codex/update.json does not exist"],
  ])("what is not known is unavailable, with the reason: %#", async (given, reason) => {
    const { root } = await show(given);
    expect(textOf(root, "updates-missing")).toContain(`unavailable (${reason}`);
    expect(root.textContent).not.toMatch(/null|undefined|NaN/);
    for (const action of ["check", "apply", "rollback", "restart"])
      expect((byId(root, `action-${action}`) as HTMLButtonElement).disabled).toBe(true);
  });

  test("hostile words stay text", async () => {
    const message = "<img src=x onerror=alert(1)>\u202e";
    const { root } = await show(updates({ ended: ended({ message }) }));
    expect(root.querySelector("img")).toBeNull();
    expect(textOf(root, "last")).toContain("\\u{202e}");
  });
});

describe("asking", () => {
  test("nothing is asked for before the dialog is confirmed", async () => {
    const { root, askForUpdate } = await show();
    for (const action of ["check", "apply", "rollback"]) {
      await press(root, `action-${action}`);
      expect(dialog(root)?.open).toBe(true);
      await press(root, "ask-cancel");
      expect(dialog(root)).toBeNull();
    }
    expect(askForUpdate).not.toHaveBeenCalled();
  });

  test("the focus begins at Cancel and goes back to the button", async () => {
    const { root } = await show();
    byId(root, "action-apply").focus();
    await press(root, "action-apply");
    expect(document.activeElement).toBe(byId(root, "ask-cancel"));
    expect(dialog(root)?.getAttribute("aria-labelledby")).toBe(dialog(root)?.querySelector("h2")?.id);
    await press(root, "ask-cancel");
    expect(document.activeElement).toBe(byId(root, "action-apply"));
  });

  test("it is modal, and Escape closes it without asking", async () => {
    const modal = vi.spyOn(HTMLDialogElement.prototype, "showModal");
    const { root, askForUpdate } = await show();
    await press(root, "action-apply");
    expect(modal).toHaveBeenCalledOnce();
    // What a browser makes of the key.
    await act(() => {
      dialog(root)?.dispatchEvent(new Event("cancel", { cancelable: true }));
    });
    expect(dialog(root)).toBeNull();
    expect(askForUpdate).not.toHaveBeenCalled();
  });

  test("confirmed, exactly what was read is asked for, once", async () => {
    const { root, askForUpdate } = await show();
    let settle: (answer: Answer) => void = () => undefined;
    askForUpdate.mockReturnValue(
      new Promise((resolve) => {
        settle = resolve;
      }),
    );
    await press(root, "action-apply");
    expect(textOf(root, "ask-points")).toContain("over version 0.1.56, which is lost");
    await press(root, "ask-confirm");
    await press(root, "ask-confirm");
    expect(askForUpdate.mock.calls).toEqual([[{ action: "apply", version: "0.1.58" }]]);
    expect((byId(root, "ask-confirm") as HTMLButtonElement).disabled).toBe(true);
    await act(async () => {
      settle({ accepted: true, message: "Version 0.1.58 is being fetched and written." });
      await Promise.resolve();
    });
    expect(dialog(root)).toBeNull();
    expect(textOf(root, "action-begun")).toBe("Version 0.1.58 is being fetched and written.");
    expect(byId(root, "action-begun").getAttribute("role")).toBe("status");
  });

  test("a refusal stays in the dialog, as a sentence with its hint", async () => {
    const { root, askForUpdate } = await show();
    askForUpdate.mockRejectedValue(new Problem("refused", "busy", "Another update is under way.", "Wait."));
    await press(root, "action-check");
    await press(root, "ask-confirm");
    await act(() => Promise.resolve());
    expect(textOf(root, "ask-problem")).toBe("Another update is under way. Wait.");
    expect(byId(root, "ask-problem").getAttribute("role")).toBe("alert");
    expect((byId(root, "ask-confirm") as HTMLButtonElement).disabled).toBe(false);
  });

  test("what has changed since the question is not done", async () => {
    const { root, set, askForUpdate } = await show();
    await press(root, "action-apply");
    await set(updates({ standing: standing({ offered: "0.1.59" }), offered: null }));
    expect(textOf(root, "ask-changed")).toContain("look again");
    await press(root, "ask-confirm");
    expect(askForUpdate).not.toHaveBeenCalled();
    expect(textOf(root, "ask")).toContain("0.1.58");
  });

  test("a button that cannot be pressed has its reason beside it", async () => {
    const { root } = await show();
    const button = byId(root, "action-restart") as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    const note = document.getElementById(button.getAttribute("aria-describedby") ?? "");
    expect(note?.textContent).toBe("A restart would bring version 0.1.57 again.");
  });

  test("a host that is not heard is asked for nothing", async () => {
    const { root, state } = await show();
    await act(() => {
      state.update((now) => ({ ...now, link: { state: "reconnecting", since: Date.now(), retryAt: null } }));
    });
    expect(byId(root, "updates-view").dataset["stale"]).toBe("true");
    expect((byId(root, "action-check") as HTMLButtonElement).disabled).toBe(true);
  });
});
