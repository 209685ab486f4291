// SPDX-License-Identifier: Apache-2.0
import { NONE, type Graph } from "../data/graph";

/**
 * Lines of first parents, and the lane that each is drawn in. The first line of each branch comes before all others, so
 * that the branch which is checked out is straight from its root to its tip, on lane 0.
 */
export interface Lanes {
  /** The line of each commit. */
  readonly line: Uint32Array;
  /** The lane of each line. */
  readonly lane: Uint32Array;
  readonly lines: number;
  /** How many lanes there are. */
  readonly lanes: number;
}

/** Where a line begins and ends in time, with what it comes from and what it goes into. */
interface Span {
  from: number;
  until: number;
}

function firstParent(graph: Graph, commit: number): number {
  const link = graph.start[commit] ?? 0;
  return link < (graph.start[commit + 1] ?? 0) ? (graph.parents[link] ?? NONE) : NONE;
}

/** The newest commit of each branch: the last in order, since children stand behind their parents. */
function tips(graph: Graph): number[] {
  const found = new Array<number>(graph.branches.length).fill(NONE);
  graph.branch.forEach((branch, commit) => {
    if (branch < found.length) found[branch] = commit;
  });
  return found.filter((commit) => commit !== NONE);
}

function lineOf(graph: Graph): { line: Uint32Array; heads: number[] } {
  const line = new Uint32Array(graph.count).fill(NONE);
  const heads: number[] = [];
  const follow = (head: number): void => {
    if (line[head] !== NONE) return;
    const name = heads.length;
    heads.push(head);
    for (let commit = head; commit !== NONE && line[commit] === NONE; commit = firstParent(graph, commit))
      line[commit] = name;
  };
  tips(graph).forEach(follow);
  for (let commit = graph.count - 1; commit >= 0; commit -= 1) follow(commit);
  return { line, heads };
}

/** The time that each line needs for itself: its commits, what it forked from, and what merged it. */
function spansOf(graph: Graph, when: Float64Array, line: Uint32Array, count: number): Span[] {
  const spans = Array.from({ length: count }, () => ({ from: Infinity, until: -Infinity }));
  const hold = (name: number, time: number): void => {
    const span = spans[name];
    if (span === undefined) return;
    if (time < span.from) span.from = time;
    if (time > span.until) span.until = time;
  };
  for (let commit = 0; commit < graph.count; commit += 1) {
    const own = line[commit] ?? 0;
    const time = when[commit] ?? 0;
    hold(own, time);
    const first = graph.start[commit] ?? 0;
    for (let link = first; link < (graph.start[commit + 1] ?? 0); link += 1) {
      const parent = graph.parents[link] ?? NONE;
      if (parent === NONE || line[parent] === own) continue;
      // A fork belongs to the line that begins there, a merge to the line that ends there.
      if (link === first) hold(own, when[parent] ?? time);
      else hold(line[parent] ?? 0, time);
    }
  }
  return spans;
}

/** Smallest number first. */
class Heap {
  readonly #items: [key: number, value: number][] = [];

  get least(): readonly [key: number, value: number] | undefined {
    return this.#items[0];
  }

  push(key: number, value: number): void {
    const items = this.#items;
    let at = items.length;
    items.push([key, value]);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if ((items[above]?.[0] ?? 0) <= key) break;
      this.#swap(at, above);
      at = above;
    }
  }

  pop(): number | undefined {
    const items = this.#items;
    const [top] = items;
    const last = items.pop();
    if (top === undefined || last === undefined) return undefined;
    if (items.length === 0) return top[1];
    items[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < items.length && (items[left]?.[0] ?? 0) < (items[least]?.[0] ?? 0)) least = left;
      if (right < items.length && (items[right]?.[0] ?? 0) < (items[least]?.[0] ?? 0)) least = right;
      if (least === at) return top[1];
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const items = this.#items;
    const [one, other] = [items[a], items[b]];
    if (one === undefined || other === undefined) return;
    items[a] = other;
    items[b] = one;
  }
}

/**
 * Gives each line the lowest lane that is free for all of its time, in the order in which lines begin. The first line
 * keeps lane 0 for itself. No fewer lanes would do for the others (interval colouring is optimal by start).
 */
function packed(spans: readonly Span[]): { lane: Uint32Array; lanes: number } {
  const lane = new Uint32Array(spans.length);
  const order = Uint32Array.from(spans.keys())
    .subarray(1)
    .sort((a, b) => (spans[a]?.from ?? 0) - (spans[b]?.from ?? 0) || a - b);
  const busy = new Heap();
  const free = new Heap();
  let lanes = Math.min(spans.length, 1);
  for (const name of order) {
    const span = spans[name];
    if (span === undefined) continue;
    for (let ends = busy.least; ends !== undefined && ends[0] < span.from; ends = busy.least) {
      busy.pop();
      free.push(ends[1], ends[1]);
    }
    let given = free.pop();
    if (given === undefined) {
      given = lanes;
      lanes += 1;
    }
    lane[name] = given;
    busy.push(span.until, given);
  }
  return { lane, lanes };
}

/** Finds lines and lanes; `when` holds a time for each commit. */
export function lanesOf(graph: Graph, when: Float64Array): Lanes {
  const { line, heads } = lineOf(graph);
  const spans = spansOf(graph, when, line, heads.length);
  return { line, ...packed(spans), lines: heads.length };
}
