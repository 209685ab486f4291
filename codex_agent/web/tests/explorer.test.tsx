// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { liveAddress, type Follow, type LiveEvents } from "../src/api/live";
import { Problem } from "../src/api/problem";
import { ExplorerView } from "../src/views/repositories/ExplorerView";
import { linesOf } from "../src/views/repositories/panels/Diff";
import { Explorer } from "../src/views/repositories/state/explorer";
import { FIRST_SCENE, readScene } from "../src/views/repositories/state/link";
import type { Source } from "../src/views/repositories/state/source";
import { PEOPLE, runsOf, sha } from "./histories";
import { byId, draw, textOf } from "./render";
import { comment, HISTORY, layOut, PATCH, source } from "./sources";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T09:00:00Z") });
  window.location.hash = "#/repositories/0123456789abcdef";
});
afterEach(() => {
  vi.useRealTimers();
});

async function show(given = source(), link = "") {
  let told: LiveEvents | null = null;
  const follow: Follow = (_, events) => {
    told = events;
    return () => undefined;
  };
  const root = await draw(
    <ExplorerView repo="0123456789abcdef" name="kernel" source={given} link={link} layOut={layOut} follow={follow} />,
  );
  await settle();
  const tell = async (act_: (events: LiveEvents) => void): Promise<void> => {
    await act(() => {
      if (told !== null) act_(told);
    });
    await settle();
  };
  return { root, given, tell };
}

/** Lets answers arrive, and what waits for a pause. */
async function settle(): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(800);
  });
}

async function press(root: ParentNode, id: string): Promise<void> {
  await act(() => {
    byId(root, id).click();
  });
  await settle();
}

async function key(name: string, held: KeyboardEventInit = {}): Promise<void> {
  await act(() => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...held }));
  });
  await settle();
}

function shown(root: ParentNode): number {
  return Number(byId(root, "time").dataset["shown"]);
}

function rows(root: ParentNode): string[] {
  return [...byId(root, "commit-table").querySelectorAll("tbody th")].map((cell) => cell.textContent);
}

describe("a history", () => {
  test("is counted, listed and drawn over time; without WebGL the page says so", async () => {
    const { root } = await show();
    expect(byId(root, "explorer").dataset).toMatchObject({ state: "ready", commits: "120" });
    expect(shown(root)).toBe(120);
    expect(rows(root)).toHaveLength(50);
    expect(textOf(root, "commit-table")).toContain("About ");
    expect(byId(root, "histogram").getAttribute("d")).toMatch(/^M/);
    expect(textOf(root, "scene-problem")).toContain("no WebGL 2");
  });

  test("an empty one is told, and has no time", async () => {
    const { root } = await show(source([]));
    expect(byId(root, "explorer").dataset["state"]).toBe("empty");
    expect(textOf(root, "empty")).toContain("no commits yet");
  });

  test("one that cannot be read says why, and is asked for again", async () => {
    const gone = new Problem("refused", "gone", "It was there, and is not any more.", "codex repos list");
    const graph = vi.fn<Source["graph"]>().mockRejectedValueOnce(gone);
    const { root, given } = await show(source(HISTORY, { graph }));
    expect(byId(root, "explorer").dataset["state"]).toBe("failed");
    expect(textOf(root, "history-problem")).toBe("It was there, and is not any more. codex repos list");
    given.graph.mockImplementation((take) => {
      runsOf(HISTORY, PEOPLE).forEach(take);
      return Promise.resolve();
    });
    await press(root, "history-retry");
    expect(byId(root, "explorer").dataset["state"]).toBe("ready");
  });

  test("one that the host still reads is asked for until it is there", async () => {
    const reading = new Problem("server", "reading", "The history is being read for the first time.");
    const graph = vi
      .fn<Source["graph"]>((take) => {
        runsOf(HISTORY, PEOPLE).forEach(take);
        return Promise.resolve();
      })
      .mockRejectedValueOnce(reading);
    const { root } = await show(source(HISTORY, { graph }));
    expect(textOf(root, "history-progress")).toContain("for the first time");
    await settle();
    expect(byId(root, "explorer").dataset["state"]).toBe("ready");
    expect(graph).toHaveBeenCalledTimes(2);
  });
});

describe("live", () => {
  test("a new commit is shown without a reload", async () => {
    const { root, given, tell } = await show(source(HISTORY.slice(0, 100)));
    expect(byId(root, "live").dataset["live"]).toBe("lost");
    given.graph.mockImplementation((take) => {
      runsOf(HISTORY, PEOPLE).forEach(take);
      return Promise.resolve();
    });
    await tell(({ heard, changed }) => {
      heard(true);
      changed(1);
    });
    expect(byId(root, "live").dataset["live"]).toBe("on");
    expect(given.graph).toHaveBeenCalledTimes(1);
    await tell(({ changed }) => {
      changed(2);
      changed(null);
    });
    expect(given.graph).toHaveBeenCalledTimes(2);
    expect(shown(root)).toBe(120);
  });

  test("can be switched off", async () => {
    const { root } = await show();
    await press(root, "live");
    expect(byId(root, "live").dataset["live"]).toBe("off");
    await key("l");
    expect(byId(root, "live").dataset["live"]).toBe("lost");
  });

  test("the address says where to go on", () => {
    expect(liveAddress("0123456789abcdef", null)).toMatch(/^wss?:.*\/api\/realtime\?repo=0123456789abcdef$/);
    expect(liveAddress("0123456789abcdef", 7)).toMatch(/&since=7$/);
  });
});

describe("what is chosen acts on all of it", () => {
  test("an author of the legend", async () => {
    const { root } = await show();
    const own = Number(byId(root, "author-0").querySelector(".figure")?.textContent);
    await press(root, "author-0");
    expect(shown(root)).toBe(own);
    expect(byId(root, "author-0").getAttribute("aria-pressed")).toBe("true");
    expect(decodeURIComponent(window.location.hash)).toContain("author=");
    await press(root, "author-0");
    expect(shown(root)).toBe(120);
  });

  test("a search, which can be cleared", async () => {
    const { root, given } = await show();
    const field = byId(root, "search-words") as HTMLInputElement;
    field.value = "fix";
    await act(() => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await act(() => {
      field.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    });
    await settle();
    expect(given.search.mock.calls[0]?.[0]).toEqual({ field: "message", words: "fix" });
    expect(textOf(root, "search-result")).toBe("1 commit found");
    expect(rows(root)).toEqual([sha(3).slice(0, 12)]);
    expect(shown(root)).toBe(1);
    await press(root, "search-clear");
    expect(shown(root)).toBe(120);
  });

  test("a search that fails says why", async () => {
    const search = vi.fn<Source["search"]>().mockRejectedValue(new Problem("refused", "too_much", "It took too long."));
    const { root } = await show(source(HISTORY, { search }), "search-content=x");
    expect(textOf(root, "search-problem")).toBe("It took too long.");
    expect(shown(root)).toBe(120);
  });

  test("the ends of time, by keyboard", async () => {
    const { root } = await show();
    const end = byId(root, "time-until");
    expect(end.getAttribute("role")).toBe("slider");
    await act(() => {
      end.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true, cancelable: true }));
    });
    const fewer = shown(root);
    expect(fewer).toBeLessThan(120);
    expect(fewer).toBeGreaterThan(60);
    await key("ArrowLeft");
    expect(shown(root)).toBeLessThan(fewer);
    expect(window.location.hash).toContain("until");
    await act(() => {
      end.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true, cancelable: true }));
    });
    expect(shown(root)).toBe(120);
  });

  test("filters of merges", async () => {
    const { root } = await show();
    await press(root, "filters");
    const merges = byId(root, "filter-merges") as HTMLSelectElement;
    merges.value = "only";
    await act(() => {
      merges.dispatchEvent(new Event("change", { bubbles: true }));
    });
    expect(shown(root)).toBe(HISTORY.filter(({ parents }) => parents.length > 1).length);
    await press(root, "clear-filters");
    expect(shown(root)).toBe(120);
  });
});

describe("details", () => {
  test("of a commit: text stays text, hidden characters are written out", async () => {
    const { root, given } = await show(source(), `commit=${sha(7)}`);
    expect(given.commit).toHaveBeenCalledWith(sha(7));
    expect(textOf(root, "commit-subject")).toBe("Fix it");
    expect(textOf(root, "commit-panel")).toContain("Because \\u{202e}of this.");
    expect(textOf(root, "commit-author")).toContain("Ann <script>");
    expect(root.querySelector("script")).toBeNull();
    expect(textOf(root, "commit-files")).toContain("+3 −1");
    expect(textOf(root, "commit-files")).toContain("binary");
  });

  test("the changes of a file are read when they are opened", async () => {
    const { root, given } = await show(source(), `commit=${sha(7)}`);
    expect(given.patch).not.toHaveBeenCalled();
    await act(() => {
      byId(root, "commit-files").querySelector("button")?.click();
    });
    await settle();
    expect(given.patch).toHaveBeenCalledWith(sha(7), "src/a.c");
    expect(byId(root, "diff").querySelector(".diff-added")?.textContent).toBe("+new\n");
  });

  test("of two commits, compared", async () => {
    const { root, given } = await show(source(), `commit=${sha(7)}`);
    await press(root, "compare-from");
    await act(() => {
      byId(root, "commit-parents").querySelector("button")?.click();
    });
    await settle();
    expect(given.compare).toHaveBeenCalledWith(sha(7), sha(0));
    expect(textOf(root, "comparison")).toContain("they have no common ancestor");
  });

  test("comments are read, said, and deleted; what they say stays text", async () => {
    const { root, given } = await show(source(), `commit=${sha(7)}`);
    expect(textOf(root, "commit-panel")).toContain("Nobody has said anything yet.");
    given.comments.mockResolvedValue([comment(sha(7), "Look <b>here</b>\nand \u202ethere")]);
    const field = byId(root, "comment-words") as HTMLTextAreaElement;
    field.value = " Look ";
    await act(() => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await act(() => {
      field.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    });
    await settle();
    expect(given.addComment).toHaveBeenCalledWith(sha(7), "Look");
    expect(textOf(root, "comments")).toContain("Look <b>here</b>and \\u{202e}there");
    expect(field.value).toBe("");
    given.deleteComment.mockRejectedValue(new Problem("refused", "not_yours", "It is not yours."));
    await act(() => {
      byId(root, "comments").querySelector("button")?.click();
    });
    await settle();
    expect(given.deleteComment).toHaveBeenCalledWith(sha(7), "c1");
    expect(textOf(root, "comment-problem")).toBe("It is not yours.");
  });

  test("keys go from commit to commit, open the help, and leave fields alone", async () => {
    const { root } = await show();
    await key("j");
    expect(byId(root, "commit-panel").dataset["sha"]).toHaveLength(40);
    const first = byId(root, "commit-panel").dataset["sha"];
    await key("j");
    expect(byId(root, "commit-panel").dataset["sha"]).not.toBe(first);
    await key("/", { ctrlKey: true });
    expect(document.activeElement).toBe(byId(root, "search-words"));
    byId(root, "search-words").dispatchEvent(new KeyboardEvent("keydown", { key: "3", bubbles: true }));
    await settle();
    expect((byId(root, "mode-commits") as HTMLInputElement).checked).toBe(true);
    await key("3");
    expect((byId(root, "mode-branches") as HTMLInputElement).checked).toBe(true);
    await key("?");
    expect(textOf(root, "help")).toContain("let time pass, or stop it");
  });

  test("lines of a patch", () => {
    expect(linesOf(PATCH).map(({ kind }) => kind)).toEqual(["hunk", "same", "deleted", "added"]);
    expect(linesOf("diff --git a/x b/x\nBinary files a/x and b/x differ\n").map(({ kind }) => kind)).toEqual(["hunk"]);
    expect(linesOf("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n")).toEqual([]);
  });
});

describe("the explorer", () => {
  test("shows parts while they arrive, then all", async () => {
    const seen: number[] = [];
    const explorer = new Explorer(source(), layOut, FIRST_SCENE);
    explorer.content.subscribe(() => seen.push(explorer.content.get()?.graph.count ?? 0));
    explorer.start();
    await vi.advanceTimersByTimeAsync(10);
    expect(seen[0]).toBe(1);
    expect(seen.at(-1)).toBe(120);
    explorer.end();
  });

  test("a scene goes in and comes out", async () => {
    const scene = readScene("view=branches&from=1100010000&merges=none&look=1,2,3,0,0,0");
    const explorer = new Explorer(source(), layOut, FIRST_SCENE);
    explorer.start();
    await vi.advanceTimersByTimeAsync(10);
    explorer.scene = scene;
    expect(explorer.scene).toEqual(scene);
    explorer.end();
  });

  test("files are read when the first thing needs them, once", async () => {
    const given = source();
    const explorer = new Explorer(given, layOut, FIRST_SCENE);
    explorer.start();
    await vi.advanceTimersByTimeAsync(10);
    expect(given.files).not.toHaveBeenCalled();
    explorer.change({ filters: { ...FIRST_SCENE.filters, path: "src" } });
    explorer.change({ filters: { ...FIRST_SCENE.filters, path: "doc" } });
    await vi.advanceTimersByTimeAsync(10);
    expect(given.files).toHaveBeenCalledTimes(1);
    expect(explorer.files.get().state).toBe("known");
    explorer.end();
  });

  test("an answer that comes after the end changes nothing", async () => {
    const explorer = new Explorer(source(), layOut, FIRST_SCENE);
    explorer.start();
    explorer.end();
    await vi.advanceTimersByTimeAsync(10);
    expect(explorer.content.get()).toBeNull();
  });
});
