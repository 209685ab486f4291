// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { afterEach, describe, expect, test, vi } from "vitest";

import { CopyButton } from "../src/ui/CopyButton";
import { Meter } from "../src/ui/Meter";
import { Prose } from "../src/ui/Prose";
import { readingOf, readingsBelow } from "../src/ui/readings";
import { runs, scaleFor, Sparkline } from "../src/ui/Sparkline";
import { draw } from "./render";

afterEach(() => {
  vi.unstubAllGlobals();
});

const READING = { source: "x", age_ms: 1, reason: null };

describe("readings", () => {
  const readings = { verity: READING, "pci.0000:01:00.0.driver": READING, pci: READING, pcie: READING };

  test("the nearest one is found", () => {
    expect(readingOf(readings, "verity.state.deep")).toBe(READING);
    expect(readingOf(readings, "slot")).toBeNull();
    expect(readingOf(readings, "constructor")).toBeNull();
  });

  test("those of a thing are its own and its parts', not its namesakes'", () => {
    expect(readingsBelow(readings, ["pci"]).map(([path]) => path)).toEqual(["pci.0000:01:00.0.driver", "pci"]);
  });
});

describe("sparkline", () => {
  const point = (second: number, value: number | null) => ({ at: second * 1000, value });

  test("breaks at unread values and at long pauses", () => {
    const found = runs([point(0, 1), point(2, 2), point(4, null), point(6, 3), point(60, 4)], 8000);
    expect(found.map((run) => run.map(({ value }) => value))).toEqual([[1, 2], [3], [4]]);
  });

  test("the scale holds all values and does not blow up noise", () => {
    expect(scaleFor([0.1, null])).toBe(10);
    expect(scaleFor([10])).toBe(10);
    expect(scaleFor([10.1])).toBe(25);
    expect(scaleFor([400])).toBe(100);
    expect(scaleFor([])).toBe(10);
  });

  test("is told in words, and empty ones say that they are", async () => {
    const some = [point(0, 1), point(2, 3)];
    const drawn = await draw(<Sparkline label="CPU pressure" some={some} full={[]} gapMs={8000} />);
    expect(drawn.querySelector("[role=img]")?.getAttribute("aria-label")).toBe(
      "CPU pressure, last 1 min 00 s: 1.00 % to 3.00 %, now 3.00 %",
    );
    const empty = await draw(<Sparkline label="CPU pressure" some={[]} full={[]} gapMs={8000} />);
    expect(empty.querySelector("[role=img]")?.getAttribute("aria-label")).toContain("no values");
    for (const path of empty.querySelectorAll("path")) expect(path.getAttribute("d")).not.toContain("NaN");
  });

  test("stays inside its frame", async () => {
    const many = Array.from({ length: 150 }, (_, index) => point(index * 2, index));
    const drawn = await draw(<Sparkline label="x" some={many} full={[]} gapMs={8000} />);
    const path = drawn.querySelector(".spark-some")?.getAttribute("d") ?? "";
    const places = path
      .slice(1)
      .split("L")
      .map((pair) => pair.split(" ").map(Number));
    expect(places).toHaveLength(150);
    for (const [x = -1, y = -1] of places) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(300);
      expect(y).toBeGreaterThanOrEqual(2);
      expect(y).toBeLessThanOrEqual(54);
    }
  });
});

test("a meter says its figure", async () => {
  const meter = (await draw(<Meter percent={43} label="Memory used" />)).querySelector("[role=meter]");
  expect(meter?.getAttribute("aria-valuenow")).toBe("43");
  expect(meter?.querySelector(".meter-fill")?.getAttribute("width")).toBe("43%");
});

describe("prose", () => {
  test("commands between backticks are code, markup is not", async () => {
    const root = await draw(<Prose text="Run `codex <status>` now." />);
    expect(root.querySelector("code")?.textContent).toBe("codex <status>");
    expect(root.textContent).toBe("Run codex <status> now.");
  });

  test("a lone backtick is a character", async () => {
    const root = await draw(<Prose text="a ` b" />);
    expect(root.querySelector("code")).toBeNull();
    expect(root.textContent).toBe("a ` b");
  });
});

describe("copy button", () => {
  async function press(writeText: () => Promise<void>): Promise<string> {
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const root = await draw(<CopyButton text="abc" what="root hash" />);
    expect(root.querySelector("button")?.getAttribute("aria-label")).toBe("Copy root hash");
    await act(async () => {
      root.querySelector("button")?.click();
      await Promise.resolve();
    });
    return root.querySelector("[role=status]")?.textContent ?? "";
  }

  test("copies exactly the text and says so", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    expect(await press(writeText)).toBe("Copied");
    expect(writeText).toHaveBeenCalledWith("abc");
  });

  test("says when it could not", async () => {
    expect(await press(() => Promise.reject(new Error("refused")))).toContain("select the text");
  });
});
