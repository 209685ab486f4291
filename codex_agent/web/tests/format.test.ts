// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { functionName, link, linkShare } from "../src/format/pci";
import { bytes, gigatransfers, load, percent, wholePercent } from "../src/format/quantity";
import { taint } from "../src/format/taint";
import { counted, unhidden, visible } from "../src/format/text";
import { age, duration, utc } from "../src/format/time";

describe("quantities", () => {
  test.each([
    [0, "0 B"],
    [1, "1 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [2 ** 20 - 1, "1.00 MiB"],
    [8 * 2 ** 30, "8.00 GiB"],
    [25_276_063_744, "23.5 GiB"],
    [3_840_755_982_336, "3.49 TiB"],
    [2 ** 70, "1024 EiB"],
  ])("%d bytes are %s", (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  test("a share says more digits the smaller it is", () => {
    expect([0, 0.42, 12.34, 100].map(percent)).toEqual(["0.00 %", "0.42 %", "12.3 %", "100 %"]);
  });

  test("a whole percent is 0 or 100 only when it is exactly that", () => {
    expect(wholePercent(0, 100)).toBe(0);
    expect(wholePercent(1, 1e9)).toBe(1);
    expect(wholePercent(1e9 - 1, 1e9)).toBe(99);
    expect(wholePercent(1e9, 1e9)).toBe(100);
  });

  test.each([
    [1, 0],
    [1, Number.NaN],
    [-1, 5],
  ])("%d of %d is no share", (part, whole) => {
    expect(wholePercent(part, whole)).toBeNull();
  });

  test("load and link rates keep their custom", () => {
    expect(load(0.4)).toBe("0.40");
    expect([2.5, 16, 32].map(gigatransfers)).toEqual(["2.5 GT/s", "16 GT/s", "32 GT/s"]);
  });
});

describe("times", () => {
  test.each([
    [-3, "0 s"],
    [59.9, "59 s"],
    [60, "1 min 00 s"],
    [187, "3 min 07 s"],
    [3600 * 5 + 4 * 60 + 9, "5 h 04 min 09 s"],
    [86_400 * 12 + 3 * 3600 + 4 * 60 + 59, "12 d 03 h 04 min"],
  ])("%d s run as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test.each([
    [-1, "0 ms"],
    [12.4, "12 ms"],
    [1000, "1 s"],
    [119_999, "1 min"],
    [7_200_000, "2 h"],
    [5 * 86_400_000, "5 d"],
  ])("an age of %d ms is %s", (milliseconds, text) => {
    expect(age(milliseconds)).toBe(text);
  });

  test("a moment is in UTC, and no moment is null", () => {
    expect(utc(Date.parse("2026-11-22T09:00:00Z"))).toBe("2026-11-22 09:00:00 UTC");
    expect(utc(Number.NaN)).toBeNull();
    expect(utc(1e300)).toBeNull();
  });
});

describe("kernel taint", () => {
  test("names the bits", () => {
    expect(taint(0)).toBe("none");
    expect(taint(12_289)).toBe("12289: proprietary module (P), out-of-tree module (O), unsigned module (E)");
  });

  test("says when a bit has no name, also above 32 bits", () => {
    expect(taint(2 ** 40)).toBe(`${2 ** 40}: bits this page has no name for`);
  });
});

describe("PCI", () => {
  test("names the vendor where it is known, with or without 0x", () => {
    expect(functionName("0x10DE", "0x2330")).toBe("NVIDIA 10de:2330");
    expect(functionName("abcd", "0001")).toBe("abcd:0001");
    expect(functionName(null, "2330")).toBe("????:2330");
    expect(functionName("constructor", "toString")).toBe("constructor:tostring");
  });

  test("a link says what is known of it", () => {
    expect(link(16, 8)).toBe("16 GT/s ×8");
    expect(link(null, 8)).toBe("speed unavailable, ×8");
    expect(link(16, null)).toBe("16 GT/s, width unavailable");
    expect(link(null, null)).toBeNull();
  });

  test("its share of the maximum is speed times width, and never claims to be full when it is not", () => {
    expect(linkShare(16, 32, 8, 16)).toEqual({ percent: 25, full: false });
    expect(linkShare(32, 32, 16, 16)).toEqual({ percent: 100, full: true });
    expect(linkShare(31.99, 32, 16, 16)).toEqual({ percent: 99, full: false });
    expect(linkShare(16, 0, 8, 16)).toBeNull();
    expect(linkShare(16, null, 8, 16)).toBeNull();
  });
});

describe("text of the host", () => {
  test("text that was asked for is whole, with its tabs", () => {
    expect(unhidden("\ta\u202eb\r")).toBe("\ta\\u{202e}b\\u{d}");
    expect(unhidden("x".repeat(1000))).toHaveLength(1000);
  });

  test("hidden characters are written out", () => {
    expect(visible("a\u202eb\u0000c\u200bd\u001b[31m\ufeff")).toBe("a\\u{202e}b\\u{0}c\\u{200b}d\\u{1b}[31m\\u{feff}");
    expect(visible("\ud800x")).toBe("\\u{d800}x");
    expect(visible("tag\u{e0041}")).toBe("tag\\u{e0041}");
  });

  test("plain text of any script stays as it is", () => {
    expect(visible("Zürich 東京 مرحبا 🙂 <b>")).toBe("Zürich 東京 مرحبا 🙂 <b>");
  });

  test("is cut to a length, not through a character", () => {
    const shown = visible("🙂".repeat(500));
    expect(Array.from(shown)).toHaveLength(240);
    expect(shown.endsWith("🙂…")).toBe(true);
  });

  test("counts with their noun", () => {
    expect([0, 1, 2].map((count) => counted(count, "check"))).toEqual(["0 checks", "1 check", "2 checks"]);
  });
});
