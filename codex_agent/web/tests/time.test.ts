// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { createStore } from "../src/state/store";
import { columnsPath } from "../src/views/repositories/time/TimeBar";
import { histogramOf } from "../src/views/repositories/time/histogram";
import { Player } from "../src/views/repositories/time/player";
import { ticksOf } from "../src/views/repositories/time/ticks";
import {
  beginning,
  faster,
  movedTo,
  played,
  ranksOf,
  shifted,
  slower,
  sought,
  type Window,
} from "../src/views/repositories/time/window";

const AXIS = { from: 1000, until: 2000 };
const ALL: Window = { from: null, until: null };

describe("window", () => {
  test("ranks of what is in it; the last second belongs to it", () => {
    const times = Float64Array.of(10, 20, 20, 30);
    expect(ranksOf(times, ALL)).toEqual({ low: 0, high: 4 });
    expect(ranksOf(times, { from: 20, until: 20 })).toEqual({ low: 1, high: 3 });
    expect(ranksOf(times, { from: 21, until: 29 })).toEqual({ low: 3, high: 3 });
    expect(ranksOf(times, { from: 40, until: 5 })).toEqual({ low: 4, high: 4 });
  });

  test("ends move, stop at each other, and snap to the ends of time", () => {
    expect(movedTo(ALL, AXIS, "until", 0.5)).toEqual({ from: null, until: 1500 });
    expect(movedTo({ from: null, until: 1500 }, AXIS, "until", 1)).toEqual(ALL);
    expect(movedTo({ from: 1400, until: null }, AXIS, "until", 0.1)).toEqual({ from: 1400, until: 1401 });
    expect(movedTo({ from: null, until: 1500 }, AXIS, "from", 0.9)).toEqual({ from: 1499, until: 1500 });
    expect(movedTo({ from: 1400, until: null }, AXIS, "from", -1)).toEqual(ALL);
  });

  test("all of it moves without changing its width", () => {
    expect(shifted({ from: 1200, until: 1400 }, AXIS, 100)).toEqual({ from: 1300, until: 1500 });
    expect(shifted({ from: 1200, until: 1400 }, AXIS, 9999)).toEqual({ from: 1800, until: null });
    expect(shifted({ from: 1200, until: 1400 }, AXIS, -9999)).toEqual({ from: null, until: 1200 });
  });

  test("arrow keys move its end", () => {
    expect(sought(ALL, AXIS, -100)).toEqual({ from: null, until: 1900 });
    expect(sought({ from: null, until: 1950 }, AXIS, 100)).toEqual(ALL);
  });

  test("speeds have ends", () => {
    expect([faster(1), faster(32), slower(1), slower(0.25)]).toEqual([2, 32, 0.5, 0.25]);
  });
});

describe("playing", () => {
  test("takes a minute for all of it", () => {
    expect(played({ from: null, until: 1000 }, AXIS, 1, 30)).toEqual({ from: null, until: 1500 });
    expect(played({ from: null, until: 1000 }, AXIS, 4, 15)).toBeNull();
    expect(played(ALL, AXIS, 1, 0)).toBeNull();
  });

  test("begins where the window is, or anew at its first end", () => {
    expect(beginning({ from: null, until: 1500 }, AXIS)).toEqual({ from: null, until: 1500 });
    expect(beginning(ALL, AXIS)).toEqual({ from: null, until: 1001 });
    expect(beginning({ from: 1600, until: null }, AXIS)).toEqual({ from: 1600, until: 1601 });
  });

  function player(from: Window) {
    const window = createStore(from);
    const asked: ((at: number) => void)[] = [];
    const made = new Player(
      window,
      () => AXIS,
      (then) => {
        asked.push(then);
        return () => {
          asked.length = 0;
        };
      },
    );
    return { window, made, asked, frame: (at: number) => asked.shift()?.(at) };
  }

  test("goes on with each frame, and no further for a page that was away", () => {
    const { window, made, frame } = player({ from: null, until: 1000 });
    made.play();
    frame(5000);
    expect(window.get().until).toBe(1000);
    frame(5120);
    expect(window.get().until).toBeCloseTo(1002);
    frame(99_000);
    expect(window.get().until).toBeCloseTo(1002 + (1000 / 60) * 0.25);
  });

  test("stops at the end, where the window follows what is new", () => {
    const { window, made, asked, frame } = player({ from: 1200, until: 1999 });
    made.speed.set(32);
    made.play();
    frame(0);
    frame(250);
    expect(window.get()).toEqual({ from: 1200, until: null });
    expect(made.playing.get()).toBe(false);
    expect(asked).toHaveLength(0);
  });

  test("pauses, and plays once however often it is asked", () => {
    const { made, asked } = player(ALL);
    made.play();
    made.play();
    expect(asked).toHaveLength(1);
    made.toggle();
    expect(asked).toHaveLength(0);
    expect(made.playing.get()).toBe(false);
  });
});

describe("histogram", () => {
  test("counts all and those that are shown", () => {
    const times = Float64Array.of(0, 1000, 1100, 1500, 1999, 2000, 9000);
    // The second and the last are not shown.
    const before = Uint32Array.of(0, 1, 1, 2, 3, 4, 5, 5);
    const { all, shown, most } = histogramOf(times, before, AXIS, 2);
    expect([...all]).toEqual([3, 4]);
    expect([...shown]).toEqual([2, 3]);
    expect(most).toBe(4);
  });

  test("every commit is in one bin", () => {
    const times = Float64Array.from({ length: 1000 }, (_, at) => 1000 + at);
    const before = Uint32Array.from({ length: 1001 }, (_, at) => at);
    const { all, shown } = histogramOf(times, before, AXIS, 7);
    expect(all.reduce((sum, count) => sum + count, 0)).toBe(1000);
    expect(shown).toEqual(all);
  });

  test("is drawn as columns; what is small can still be seen", () => {
    expect(columnsPath(Uint32Array.of(0, 100, 1), 100)).toBe("M333.3 100v-100.0h266.7V100zM666.7 100v-10.0h266.7V100z");
    expect(columnsPath(Uint32Array.of(1), 1_000_000)).toContain("v-3.0");
  });
});

describe("ticks", () => {
  const at = (date: string): number => Date.parse(date) / 1000;

  test("of years, of months, of days", () => {
    expect(ticksOf({ from: at("2005-04-07"), until: at("2024-02-01") }, 8).map(({ text }) => text)).toEqual([
      "2010",
      "2015",
      "2020",
    ]);
    expect(ticksOf({ from: at("2024-01-15"), until: at("2024-06-20") }, 8).map(({ text }) => text)).toEqual([
      "2024-02",
      "2024-03",
      "2024-04",
      "2024-05",
      "2024-06",
    ]);
    expect(ticksOf({ from: at("2024-01-15T10:00Z"), until: at("2024-01-18") }, 8).map(({ text }) => text)).toEqual([
      "2024-01-16",
      "2024-01-17",
    ]);
  });

  test("never more than asked for, whatever the times", () => {
    for (const span of [1, 60, 86_400, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11])
      expect(ticksOf({ from: 0, until: span }, 6).length).toBeLessThanOrEqual(7);
    expect(ticksOf({ from: -(2 ** 52), until: 2 ** 52 }, 6)).toEqual([]);
  });
});
