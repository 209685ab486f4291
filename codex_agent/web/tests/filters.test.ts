// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";

import { FilesBuilder, type Files } from "../src/views/repositories/data/files";
import { historyOf } from "../src/views/repositories/panels/FilePanel";
import {
  counted,
  FAINT,
  HIDDEN,
  isFiltering,
  NO_FILTERS,
  SHOWN,
  shownBy,
  type Filters,
} from "../src/views/repositories/state/filters";
import { FIRST_SCENE, readScene, writeScene, type Scene } from "../src/views/repositories/state/link";
import { graphOf, packed, PEOPLE, text, u32, type Given } from "./histories";

const HISTORY: Given[] = [
  { parents: [], time: 10, author: 0, branch: 0 },
  { parents: [0], time: 20, author: 1, branch: 1 },
  { parents: [0], time: 30, author: 0, branch: 0 },
  { parents: [2, 1], time: 40, author: 2, branch: 0 },
];
const graph = graphOf(HISTORY, PEOPLE);
const NO_PATH = 0xffffffff;

/** Files of the four commits: src/a and doc/b; then src/a; then doc/b becomes src/c; the merge has none. */
function filesOf(): Files {
  const builder = new FilesBuilder();
  builder.add(
    packed({
      about: text({ repo: "r", birth: "b", generation: 1, lines: true, reason: null, paths: 3 }),
      paths: text(["src/a", "doc/b", "src/c"]),
      run: text({ first: 2, count: 2 }),
      state: Uint8Array.of(0, 1),
      count: u32([1, 0]),
      path: u32([2]),
      status: Uint8Array.of("R".charCodeAt(0)),
      old: u32([1]),
      added: u32([1]),
      deleted: u32([0]),
    }),
  );
  builder.add(
    packed({
      run: text({ first: 0, count: 2 }),
      state: Uint8Array.of(0, 0),
      count: u32([2, 1]),
      path: u32([0, 1, 0]),
      status: Uint8Array.from("AAM", (letter) => letter.charCodeAt(0)),
      old: u32([NO_PATH, NO_PATH, NO_PATH]),
      added: u32([5, NO_PATH, 2]),
      deleted: u32([0, NO_PATH, 1]),
    }),
  );
  return builder.files();
}

function places(filters: Partial<Filters>, files: Files | null = filesOf()): number[] {
  const shown = shownBy(graph, { ...NO_FILTERS, ...filters }, null, files);
  return [...shown.keys()].filter((place) => shown[place] !== HIDDEN);
}

describe("filters", () => {
  test.each<[Partial<Filters>, number[]]>([
    [{}, [0, 1, 2, 3]],
    [{ authors: ["ann@example.org"] }, [0, 2]],
    [{ authors: ["ann@example.org", "cyd@example.org"] }, [0, 2, 3]],
    [{ authors: ["nobody@example.org"] }, []],
    [{ branches: ["next"] }, [1]],
    [{ merges: "only" }, [3]],
    [{ merges: "none" }, [0, 1, 2]],
    [{ path: "src/a" }, [0, 1]],
    [{ path: "src" }, [0, 1, 2]],
    [{ path: "src/" }, [0, 1, 2]],
    [{ path: "sr" }, []],
    [{ path: "doc/b" }, [0, 2]],
    [{ kinds: ["M"] }, [1]],
    [{ kinds: ["A", "R"] }, [0, 2]],
    [{ kinds: ["A"], path: "src/c" }, []],
    [{ authors: ["ann@example.org"], path: "src/a" }, [0]],
  ])("%j lets through %j", (filters, expected) => {
    expect(places(filters)).toEqual(expected);
  });

  test("a filter that needs files holds nothing back before they are known", () => {
    expect(places({ path: "src/a" }, null)).toEqual([0, 1, 2, 3]);
  });

  test("what a search has not found is faint, what a filter leaves out is hidden", () => {
    const shown = shownBy(graph, { ...NO_FILTERS, merges: "none" }, new Set([1, 3]), null);
    expect([...shown]).toEqual([FAINT, SHOWN, FAINT, HIDDEN]);
    const byRank = Uint32Array.of(0, 1, 2, 3);
    expect([...counted(shown, byRank)]).toEqual([0, 1, 2, 3, 3]);
    expect([...counted(shown, byRank, true)]).toEqual([0, 0, 1, 1, 1]);
  });

  test("each is one that filters", () => {
    expect(isFiltering(NO_FILTERS)).toBe(false);
    const each: Partial<Filters>[] = [
      { authors: ["a"] },
      { branches: ["b"] },
      { path: "p" },
      { kinds: ["A"] },
      { merges: "only" },
    ];
    for (const change of each) expect(isFiltering({ ...NO_FILTERS, ...change })).toBe(true);
  });
});

describe("files", () => {
  test("the history of one follows its renames", () => {
    const rows = historyOf(filesOf(), graph, "src/c");
    expect(rows.map(({ place, status }) => `${place}${status}`)).toEqual(["2R", "0A"]);
    expect(rows[1]).toMatchObject({ added: null, deleted: null });
  });

  test("one that is not there has none", () => {
    expect(historyOf(filesOf(), graph, "nothing")).toEqual([]);
  });

  test("numbers that this graph does not have are passed over", () => {
    const late = graphOf(HISTORY, { ...PEOPLE, numbers: [5, 6, 7, 8] });
    expect(historyOf(filesOf(), late, "src/a")).toEqual([]);
    expect([...filesOf().touching(late, "src/a", [])]).toEqual([0, 0, 0, 0]);
  });

  test("an empty stream is no files", () => {
    const builder = new FilesBuilder();
    builder.add(packed({ about: text({ lines: false, reason: "not counted yet", paths: 0 }), paths: text([]) }));
    expect(builder.files()).toMatchObject({ paths: [], lines: false, reason: "not counted yet" });
  });

  test("columns that do not belong together are refused", () => {
    const run = packed({
      run: text({ first: 0, count: 1 }),
      state: Uint8Array.of(0),
      count: u32([2]),
      path: u32([0]),
      status: Uint8Array.of(65),
    });
    expect(() => {
      new FilesBuilder().add(run);
    }).toThrow("different lengths");
  });
});

describe("links", () => {
  const full: Scene = {
    mode: "all",
    from: 1_100_000_000,
    until: 1_200_000_000,
    filters: {
      authors: ["a&b=c@example.org", "ü@example.org"],
      branches: ["feature/#1", "tags/v1"],
      path: "a dir/ä.c",
      kinds: ["A", "R"],
      merges: "none",
    },
    search: { field: "content", words: "100 % + more" },
    commit: "0123456789abcdef0123456789abcdef01234567",
    path: "src/a",
    look: { eye: [1.5, -2, 3e5], target: [0, 0.25, -1e-3] },
  };

  test("say all of a scene", () => {
    expect(readScene(writeScene(full))).toEqual(full);
  });

  test("the first scene needs no words", () => {
    expect(writeScene(FIRST_SCENE)).toBe("");
    expect(readScene("")).toEqual(FIRST_SCENE);
  });

  test.each([
    "view=secret",
    "from=x&until=y",
    "from=20&until=10",
    "kinds=ZQ",
    "merges=maybe",
    "commit=HEAD",
    "commit=../../etc",
    "look=1,2,3",
    "look=1,2,3,4,5,NaN",
    "look=1,2,3,4,5,,",
    "look=1,2,3,4,5,Infinity",
    "search-nothing=x",
    "from=99999999999999999999",
    "%%%&=&&",
  ])("%s is not understood, and changes nothing", (address) => {
    expect(readScene(address)).toEqual(FIRST_SCENE);
  });
});
