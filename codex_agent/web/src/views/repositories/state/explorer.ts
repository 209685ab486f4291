// SPDX-License-Identifier: Apache-2.0
import { asProblem, type Problem } from "../../../api/problem";
import { createStore } from "../../../state/store";
import { authorLooks, slotsOf, type AuthorLook } from "../colours/slots";
import { FilesBuilder, type Files } from "../data/files";
import { GraphBuilder, NONE, type Graph } from "../data/graph";
import { Oids } from "../data/oids";
import { cityOf, citySize, type City } from "../layout/city";
import type { Layout } from "../layout/layout";
import type { LayOut } from "../layout/layouter";
import { ranksOf, type Window } from "../time/window";
import { counted, needsFiles, shownBy, type Filters } from "./filters";
import type { Look, Mode, Scene, Search } from "./link";
import type { Source } from "./source";

/** A history as far as it is here, and what follows from it alone. */
export interface Content {
  readonly graph: Graph;
  readonly layout: Layout;
  readonly looks: readonly AuthorLook[];
  readonly slots: Uint8Array;
  readonly oids: Oids;
}

export interface Progress {
  readonly state: "loading" | "waiting" | "ready" | "failed";
  readonly count: number;
  readonly total: number;
  readonly problem: Problem | null;
}

/** All of a scene but its window and camera, which change many times a second. */
export interface View {
  readonly mode: Mode;
  readonly filters: Filters;
  readonly search: Search | null;
  readonly commit: string | null;
  readonly path: string | null;
}

export interface FilesState {
  readonly state: "unasked" | "reading" | "known" | "failed";
  readonly files: Files | null;
  readonly problem: Problem | null;
}

export interface HitsState {
  readonly running: boolean;
  readonly places: ReadonlySet<number> | null;
  /** Why there may be more. */
  readonly cut: string | null;
  readonly problem: Problem | null;
}

/** What the filters make of each commit, and how many are shown (while a search is on: found) before each rank. */
export interface Shown {
  readonly states: Uint8Array;
  readonly before: Uint32Array;
}

const NO_HITS: HitsState = { running: false, places: null, cut: null, problem: null };
/** A history is drawn again when it has grown by this factor, and when all of it is here. */
const GROWN = 4;
const AGAIN_MS = 1_000;

/** One repository that is looked at: reads it, and holds what is shown of it. */
export class Explorer {
  readonly content = createStore<Content | null>(null);
  readonly progress = createStore<Progress>({ state: "loading", count: 0, total: 0, problem: null });
  readonly files = createStore<FilesState>({ state: "unasked", files: null, problem: null });
  readonly hits = createStore<HitsState>(NO_HITS);
  readonly shown = createStore<Shown | null>(null);
  /** The files as buildings, while a view shows them. */
  readonly city = createStore<City | null>(null);
  readonly view;
  readonly window;
  readonly look;
  readonly #source: Source;
  readonly #layOut: LayOut;
  readonly #end = new AbortController();
  #searching = new AbortController();
  #reading = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source, layOut: LayOut, scene: Scene) {
    this.#source = source;
    this.#layOut = layOut;
    const { mode, filters, search, commit, path } = scene;
    this.view = createStore<View>({ mode, filters, search, commit, path });
    this.window = createStore<Window>({ from: scene.from, until: scene.until });
    this.look = createStore<Look | null>(scene.look);
  }

  /** Begins to read. Ended by `end`. */
  start(): void {
    let seen = this.view.get();
    this.view.subscribe(() => {
      const before = seen;
      seen = this.view.get();
      if (before.search !== seen.search) void this.#search();
      if (before.filters !== seen.filters) this.#sift();
      else if (before.mode !== seen.mode) this.#build();
    });
    this.hits.subscribe(() => {
      this.#sift();
    });
    this.files.subscribe(() => {
      this.#sift();
    });
    void this.read();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
    this.#reading.abort();
    this.#searching.abort();
  }

  /** The whole scene, as a link holds it. */
  get scene(): Scene {
    return { ...this.view.get(), ...this.window.get(), look: this.look.get() };
  }

  /** Shows another scene of the same repository. */
  set scene(scene: Scene) {
    const { mode, filters, search, commit, path, from, until, look } = scene;
    this.window.set({ from, until });
    this.view.set({ mode, filters, search, commit, path });
    // After the view, which may go elsewhere by itself.
    this.look.set(look);
  }

  change(change: Partial<View>): void {
    this.view.update((view) => ({ ...view, ...change }));
  }

  /** The place of the commit that is looked at; NONE where there is none, or it is not in this history. */
  get selected(): number {
    const { commit } = this.view.get();
    return commit === null ? NONE : (this.content.get()?.oids.place(commit) ?? NONE);
  }

  select(place: number): void {
    const oids = this.content.get()?.oids;
    if (oids !== undefined) this.change({ commit: place === NONE ? null : oids.text(place) });
  }

  /** How many commits are shown in the window. */
  count(): number {
    const content = this.content.get();
    const before = this.shown.get()?.before;
    if (content === null || before === undefined) return 0;
    const { low, high } = ranksOf(content.layout.order.times, this.window.get());
    return (before[high] ?? 0) - (before[low] ?? 0);
  }

  /** Reads the history anew; what is shown stays until the new one is here. A reading that is under way is given up. */
  async read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#reading.abort();
    const mine = new AbortController();
    this.#reading = mine;
    const over = (): boolean => mine.signal.aborted;
    const builder = new GraphBuilder();
    let drawn = 0;
    const first = this.content.get() === null;
    // Files that were read before are those of another generation now.
    const again = this.files.get().state !== "unasked";
    let laying: Promise<void> = Promise.resolve();
    try {
      await this.#source.graph((run) => {
        builder.add(run);
        if (!first || builder.count < drawn * GROWN || builder.count === 0) return;
        drawn = builder.count;
        const part = builder.graph();
        laying = laying.then(() => this.#draw(part, "loading", mine.signal));
        // It is waited for below; until then nobody would hear that it failed.
        laying.catch(() => undefined);
      }, mine.signal);
      await laying;
      if (over()) return;
      await this.#draw(builder.graph(), "ready", mine.signal);
    } catch (thrown) {
      if (!over()) this.#failed(asProblem(thrown));
      return;
    }
    if (over()) return;
    if (again) void this.#readFiles();
    if (this.view.get().search !== null) void this.#search();
  }

  get #over(): boolean {
    return this.#end.signal.aborted;
  }

  #failed(problem: Problem): void {
    const { count, total } = this.progress.get();
    // The host reads the history for the first time: it asks to come again.
    const waiting = problem.code === "reading";
    this.progress.set({ state: waiting ? "waiting" : "failed", count, total, problem });
    if (waiting) this.#timer = setTimeout(() => void this.read(), AGAIN_MS);
  }

  async #draw(graph: Graph, state: "loading" | "ready", given: AbortSignal): Promise<void> {
    const layout = await this.#layOut(graph);
    if (given.aborted) return;
    const looks = authorLooks(graph);
    const { count, total } = graph;
    this.content.set({ graph, layout, looks, slots: slotsOf(graph, looks), oids: new Oids(graph.oid, count) });
    this.progress.set({ state, count, total, problem: null });
    this.#sift();
  }

  #sift(): void {
    const content = this.content.get();
    if (content === null) return;
    const { filters } = this.view.get();
    this.#wantFiles();
    const { graph, layout } = content;
    const { places } = this.hits.get();
    const states = shownBy(graph, filters, places, this.files.get().files);
    this.shown.set({ states, before: counted(states, layout.order.byRank, places !== null) });
    this.#build();
  }

  get #showsFiles(): boolean {
    const { mode } = this.view.get();
    return mode === "heatmap" || mode === "all";
  }

  #build(): void {
    this.#wantFiles();
    const content = this.content.get();
    const { files } = this.files.get();
    const states = this.shown.get()?.states;
    if (!this.#showsFiles || content === null || files === null || states === undefined) {
      this.city.set(null);
      return;
    }
    const { width, depth } = citySize(content.layout.extent);
    this.city.set(cityOf(content, files, states, width, depth));
  }

  /** Files are many bytes: they are read when the first thing needs them. */
  #wantFiles(): void {
    const { filters } = this.view.get();
    const needed = needsFiles(filters) || this.#showsFiles;
    if (needed && this.files.get().state === "unasked" && this.progress.get().state === "ready") void this.#readFiles();
  }

  /** Reads the files of all commits; also for the history of one file. */
  async wantFiles(): Promise<void> {
    if (this.files.get().state === "unasked") await this.#readFiles();
  }

  async #readFiles(): Promise<void> {
    const builder = new FilesBuilder();
    this.files.update(({ files }) => ({ state: "reading", files, problem: null }));
    try {
      await this.#source.files((run) => {
        builder.add(run);
      }, this.#end.signal);
      if (!this.#over) this.files.set({ state: "known", files: builder.files(), problem: null });
    } catch (thrown) {
      if (this.#over) return;
      this.files.update(({ files }) => ({ state: "failed", files, problem: asProblem(thrown) }));
    }
  }

  async #search(): Promise<void> {
    this.#searching.abort();
    const mine = new AbortController();
    this.#searching = mine;
    const { search } = this.view.get();
    if (search === null) {
      this.hits.set(NO_HITS);
      return;
    }
    this.hits.update((hits) => ({ ...hits, running: true, problem: null }));
    try {
      const found = await this.#source.search(search, mine.signal);
      if (mine.signal.aborted) return;
      const oids = this.content.get()?.oids;
      const places = found.data.map(({ sha }) => oids?.place(sha) ?? NONE).filter((place) => place !== NONE);
      this.hits.set({ running: false, places: new Set(places), cut: found.cut, problem: null });
    } catch (thrown) {
      if (!mine.signal.aborted) this.hits.set({ running: false, places: null, cut: null, problem: asProblem(thrown) });
    }
  }
}
