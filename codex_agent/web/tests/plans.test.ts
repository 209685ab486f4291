// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import type { Action, Updates } from "../src/api/updates";
import { plansFor, type Plan } from "../src/views/updates/plans";
import { snapshot } from "./fixture";
import { begun, offered, standing, updates, version, work } from "./updates";

function plan(action: Action, given: Updates | null, change: Record<string, unknown> = {}, stale = false): Plan {
  const found = plansFor({ host: snapshot(change), updates: given, stale }).find((one) => one.action === action);
  if (found === undefined) throw new Error(`There is no plan for ${action}.`);
  return found;
}

function of(change: Record<string, unknown>): Updates {
  return updates({ standing: standing(change) });
}

const WRITTEN = [
  version("0.1.57", { running: true }),
  version("0.1.58", { standing: "counted", tries_left: 3, starts_next: true }),
];

describe("what each dialog says", () => {
  test("the update: version, slot, what is lost, when it starts, what comes back", () => {
    const { request, question, points } = plan("apply", updates());
    expect(request).toEqual({ action: "apply", version: "0.1.58" });
    expect(question).toBe("Update to version 0.1.58?");
    expect(points).toEqual([
      "Version 0.1.58 is fetched from https://updates.example/ (219 MiB in all; of the root only what differs), and its signature is checked.",
      "It is written into slot B over version 0.1.56, which is lost.",
      "It starts at the next restart of the host and not before. Until then nothing that runs is touched.",
      "If it does not start well in three tries, version 0.1.57 comes back by itself.",
    ]);
  });

  test("in slot B the other one is A, and an unknown slot is not guessed", () => {
    expect(plan("apply", updates(), { slot: "B" }).points[1]).toContain("slot A");
    expect(plan("apply", updates(), { slot: null }).points[1]).toContain("the slot that does not run");
  });

  test("the way back: nothing is written, and what follows should it fail", () => {
    const { request, points } = plan("rollback", updates());
    expect(request).toEqual({ action: "rollback", version: "0.1.56" });
    expect(points.join(" ")).toContain("in slot B starts from the next restart on. It does not restart now.");
    expect(points.at(-1)).toBe(
      "Version 0.1.56 was found good here before, so it is not on trial: after a bad verdict the host stays with it. After three starts in a row without any verdict version 0.1.57 is started once.",
    );
  });

  test("the way back from a version that was only written is the running one", () => {
    const { request, note, question, points } = plan("rollback", of({ versions: WRITTEN, begun: begun() }));
    expect(request).toEqual({ action: "rollback", version: "0.1.57" });
    expect(note).toBe("Takes version 0.1.58 back: version 0.1.57 starts next as well.");
    expect(question).toBe("Take version 0.1.58 back?");
    expect(points.join(" ")).toContain("Version 0.1.58 stays in slot B, and is noted as one that was taken back");
  });

  test("the restart: a version on trial, and one that is not", () => {
    const trial = plan("restart", of({ versions: WRITTEN }));
    expect(trial.request).toEqual({ action: "restart", version: "0.1.58" });
    expect(trial.points.join(" ")).toContain("after 3 tries version 0.1.57 comes back by itself");
    const good = of({ versions: [version("0.1.56", { starts_next: true }), version("0.1.57", { running: true })] });
    expect(plan("restart", good).points.join(" ")).toContain("version 0.1.57 is started once.");
  });

  test("to a version that was given up nothing leads back", () => {
    const given = of({ versions: [version("0.1.56"), version("0.1.57", { running: true, standing: "bad" })] });
    expect(plan("rollback", given).points.at(-1)).toContain("nothing comes back by itself");
  });

  test("commands of the policy before a restart are told", () => {
    const policy = { mode: "apply", source: null, window: "Sat 02:00-04:00", page: true, drains: true };
    const { points } = plan("restart", of({ versions: WRITTEN, policy }));
    expect(points[0]).toContain("drain_before");
  });

  test("a look changes nothing and says so", () => {
    const { request, points } = plan("check", updates());
    expect(request).toEqual({ action: "check" });
    expect(points.join(" ")).toContain("Nothing is written");
  });
});

describe("what cannot be done says why", () => {
  test.each<[Action, Updates, string]>([
    ["check", of({ policy: { mode: "never", source: null, window: null, page: true, drains: false } }), "no source"],
    ["apply", of({ offered: null }), "Nothing was looked for yet"],
    ["apply", of({ offered: "0.1.57" }), "nothing newer was offered"],
    ["apply", updates({ offered: offered({ refused: { message: "Too little space.", hint: null } }) }), "Too little"],
    ["apply", updates({ offered: offered({ newer: false }) }), "is not newer than 0.1.57"],
    ["apply", of({ given_up: { "0.1.58": "its boot here was not good" } }), "its boot here was not good."],
    ["apply", of({ versions: WRITTEN }), "is written already"],
    ["apply", of({ boot: "counted", boot_reason: "its boot is still on trial" }), "still on trial."],
    ["rollback", of({ versions: [version("0.1.57", { running: true })] }), "no other version"],
    ["rollback", of({ versions: WRITTEN }), "has not been found good"],
    ["rollback", of({ versions: WRITTEN, begun: begun({ stage: "writing" }) }), "has not been found good"],
    ["rollback", of({ versions: WRITTEN, begun: begun({ version: "0.1.57" }) }), "has not been found good"],
    [
      "rollback",
      of({ versions: WRITTEN, begun: begun(), given_up: { "0.1.58": "it hung" } }),
      "has not been found good",
    ],
    [
      "rollback",
      of({ versions: [version("0.1.56", { given_up: "it hung" }), version("0.1.57", { running: true })] }),
      "it hung.",
    ],
    [
      "rollback",
      of({ versions: [version("0.1.56", { whole: false }), version("0.1.57", { running: true })] }),
      "not whole",
    ],
    ["restart", updates(), "would bring version 0.1.57 again"],
    ["restart", of({ versions: [] }), "not known what starts next"],
  ])("%s: %#", (action, given, words) => {
    const { request, note, points } = plan(action, given);
    expect(request).toBeNull();
    expect(note).toContain(words);
    expect(points).toEqual([]);
  });

  test.each<[Updates | null, boolean, string]>([
    [updates(), true, "not heard"],
    [null, false, "has not said yet"],
    [updates(null), false, "does not exist"],
    [updates({}, { closed: "The policy forbids it." }), false, "The policy forbids it."],
    [updates({ work: work() }), false, "under way"],
  ])("nothing at all: %#", (given, stale, words) => {
    for (const action of ["check", "apply", "rollback", "restart"] as const) {
      const { request, note } = plan(action, given, {}, stale);
      expect(request).toBeNull();
      expect(note).toContain(words);
    }
  });

  test("a work that was not heard for a minute keeps nobody from asking: the host has the lock", () => {
    expect(plan("check", updates({ work: work() }, { silent: true })).request).not.toBeNull();
  });

  test("an offer to another version than the one that runs is no offer", () => {
    const old = updates({ offered: offered({ running: "0.1.56", refused: { message: "Old.", hint: null } }) });
    expect(plan("apply", old).request).toEqual({ action: "apply", version: "0.1.58" });
  });
});
