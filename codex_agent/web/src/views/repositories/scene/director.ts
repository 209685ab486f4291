// SPDX-License-Identifier: Apache-2.0
import { NONE } from "../data/graph";
import type { Scheme } from "../colours/palette";
import { shareOf } from "../layout/axis";
import { citySize } from "../layout/city";
import type { Content, Explorer } from "../state/explorer";
import { HIDDEN } from "../state/filters";
import type { Mode } from "../state/link";
import { ranksOf } from "../time/window";
import { BarsObject } from "./bars";
import { BuildingsObject } from "./buildings";
import { CommitsObject } from "./commits";
import { branchNames, placed, type Candidate, type Label } from "./labels";
import { MarksObject } from "./marks";
import { Picker } from "./pick";
import { Stage, type StageEvents } from "./stage";

/** What of a content stands on the stage. */
interface Cast {
  readonly content: Content;
  readonly commits: CommitsObject;
  readonly bars: BarsObject;
  readonly picker: Picker;
  readonly names: readonly Candidate[];
}

/** Keeps the stage at what the explorer holds: the one tells what is so, the other what it looks like. */
export class Director {
  readonly stage: Stage;
  readonly #explorer: Explorer;
  readonly #marks: MarksObject;
  readonly #ends: (() => void)[];
  #cast: Cast | null = null;
  #buildings: BuildingsObject | null = null;
  #mode: Mode | null = null;
  #hovered = NONE;
  #compared = NONE;

  /** Throws where the browser has no WebGL 2. */
  constructor(canvas: HTMLCanvasElement, explorer: Explorer, events: StageEvents) {
    this.#explorer = explorer;
    this.stage = new Stage(canvas, {
      ...events,
      moved: () => {
        explorer.look.set(this.stage.look);
        events.moved();
      },
    });
    this.#marks = new MarksObject(this.stage.shared.height);
    this.stage.add(this.#marks);
    this.#ends = [
      explorer.content.subscribe(this.#recast),
      explorer.shown.subscribe(this.#show),
      explorer.window.subscribe(this.#wind),
      explorer.view.subscribe(this.#view),
      explorer.look.subscribe(this.#follow),
      explorer.city.subscribe(this.#build),
    ];
    this.#recast();
    this.#build();
  }

  resize(width: number, height: number, ratio: number): void {
    this.stage.resize(width, height, ratio);
    // Before the first size is known, what is home is not either.
    if (this.#explorer.look.get() === null) this.home();
  }

  paint(scheme: Scheme): void {
    this.stage.paint(scheme);
    this.#marks.paint(scheme);
  }

  /** To where all is seen. */
  home(): void {
    if (this.#cast === null) return;
    const ofCity = this.#explorer.view.get().mode === "heatmap";
    this.stage.look = this.stage.home(this.#cast.content.layout.extent, ofCity);
    this.#explorer.look.set(null);
  }

  /** Before a commit. */
  approach(place: number): void {
    const at = this.#at(place);
    if (at !== null) this.stage.approach(at);
  }

  /** The commit at a place of the canvas, in pixels; NONE where there is none. */
  pick(x: number, y: number): number {
    const shown = this.#explorer.shown.get();
    // In the city only buildings can be pointed at.
    if (this.#cast === null || shown === null || this.#explorer.view.get().mode === "heatmap") return NONE;
    const { low, high } = this.#ranks(this.#cast.content);
    return this.#cast.picker.pick(this.stage.pointer(x, y), shown.states, low, high);
  }

  /** The file whose building is at a place of the canvas; null where there is none. */
  pickFile(x: number, y: number): string | null {
    const buildings = this.#buildings;
    if (buildings?.group.visible !== true) return null;
    const found = buildings.pick(this.stage.pointer(x, y));
    const file = buildings.city.files[found];
    return file === undefined ? null : (this.#explorer.files.get().files?.paths[file] ?? null);
  }

  /** Rings around what is pointed at and what is compared, beside what is selected. */
  mark(hovered: number, compared: number): void {
    if (this.#hovered === hovered && this.#compared === compared) return;
    this.#hovered = hovered;
    this.#compared = compared;
    this.#ring();
  }

  /** Names of what is in view, where they stand on the canvas. */
  labels(): Label[] {
    const shown = this.#explorer.shown.get()?.states;
    if (this.#cast === null || shown === undefined || this.#explorer.view.get().mode === "heatmap") return [];
    const { content, names } = this.#cast;
    const { low, high } = this.#ranks(content);
    const { rank } = content.layout.order;
    return placed(names, (commit) => {
      const at = this.#at(commit);
      const own = rank[commit] ?? 0;
      if (at === null || own < low || own >= high || (shown[commit] ?? HIDDEN) === HIDDEN) return null;
      return this.stage.screen(at);
    });
  }

  dispose(): void {
    for (const end of this.#ends) end();
    this.stage.dispose();
  }

  #ranks(content: Content): { low: number; high: number } {
    return ranksOf(content.layout.order.times, this.#explorer.window.get());
  }

  #at(place: number): [number, number, number] | null {
    const positions = this.#cast?.content.layout.positions;
    if (positions === undefined || place === NONE || 3 * place + 2 >= positions.length) return null;
    return [positions[3 * place] ?? 0, positions[3 * place + 1] ?? 0, positions[3 * place + 2] ?? 0];
  }

  readonly #recast = (): void => {
    const content = this.#explorer.content.get();
    if (content === null || content === this.#cast?.content) return;
    const { graph, layout, slots } = content;
    if (this.#cast !== null) {
      this.stage.remove(this.#cast.commits);
      this.stage.remove(this.#cast.bars);
    }
    this.#cast = {
      content,
      commits: new CommitsObject(graph, layout, slots, this.stage.shared),
      bars: new BarsObject(graph, layout, this.stage.shared),
      picker: new Picker(layout),
      names: branchNames(content),
    };
    this.stage.shared.size.value = Math.max(1, Math.min(layout.extent.gap * 0.12, 2.5));
    this.stage.add(this.#cast.commits);
    this.stage.add(this.#cast.bars);
    this.#show();
    this.#wind();
    this.#view();
    this.#follow();
  };

  readonly #show = (): void => {
    const states = this.#explorer.shown.get()?.states;
    // A history that has just grown is sifted next.
    if (this.#cast === null || states?.length !== this.#cast.content.graph.count) return;
    this.#cast.commits.show(states);
    this.#cast.bars.show(states);
    this.stage.invalidate();
  };

  readonly #wind = (): void => {
    if (this.#cast === null) return;
    const { content } = this.#cast;
    const { low, high } = this.#ranks(content);
    const { axis } = content.layout;
    const { from, until } = this.#explorer.window.get();
    this.stage.window(low, high, shareOf(axis, from ?? axis.from), shareOf(axis, until ?? axis.until));
  };

  readonly #view = (): void => {
    if (this.#cast === null) return;
    const { mode } = this.#explorer.view.get();
    this.#cast.commits.group.visible = mode === "commits" || mode === "all";
    this.#cast.bars.group.visible = mode === "branches" || mode === "all";
    // Among commits a bar is the thread that they are on.
    this.stage.shared.thick.value =
      Math.min(this.#cast.content.layout.extent.gap * 0.15, 3) * (mode === "all" ? 0.25 : 1);
    // Who has not moved yet sees all of what is chosen; the city lies elsewhere than the commits.
    const elsewhere = this.#mode !== null && (mode === "heatmap") !== (this.#mode === "heatmap");
    if (mode !== this.#mode && (elsewhere || this.#explorer.look.get() === null)) this.home();
    this.#mode = mode;
    this.#ring();
  };

  readonly #build = (): void => {
    if (this.#buildings !== null) this.stage.remove(this.#buildings);
    this.#buildings = null;
    const city = this.#explorer.city.get();
    const extent = this.#explorer.content.get()?.layout.extent;
    if (city === null || extent === undefined) return;
    const { floor, highest } = citySize(extent);
    this.#buildings = new BuildingsObject(city, floor, highest, this.stage.shared);
    this.stage.add(this.#buildings);
  };

  readonly #follow = (): void => {
    const look = this.#explorer.look.get();
    if (look === null) this.home();
    else if (JSON.stringify(look) !== JSON.stringify(this.stage.look)) this.stage.look = look;
  };

  #ring(): void {
    const inCity = this.#explorer.view.get().mode === "heatmap";
    const selected = inCity ? null : this.#at(this.#explorer.selected);
    const others = inCity ? [] : [this.#compared, this.#hovered].map((place) => this.#at(place));
    this.#marks.set([selected, ...others].flatMap((at, place) => (at === null ? [] : [{ at, strong: place === 0 }])));
    this.stage.invalidate();
  }
}
