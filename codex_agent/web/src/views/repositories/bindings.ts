// SPDX-License-Identifier: Apache-2.0
import { NONE } from "./data/graph";
import type { Key } from "./keys";
import type { Director } from "./scene/director";
import type { Explorer } from "./state/explorer";
import type { Mode } from "./state/link";
import type { Player } from "./time/player";
import { faster, slower, sought } from "./time/window";

/** A press of an arrow key moves time by this share of the axis, one of the others the camera by this of what is seen. */
const SEEK = 0.01;
const STEP = 0.1;

export interface Parts {
  readonly explorer: Explorer;
  readonly player: Player;
  /** Null where there is no scene. */
  readonly director: Director | null;
  readonly picture: () => void;
  readonly search: () => void;
  readonly stats: () => void;
  readonly live: () => void;
  readonly help: () => void;
}

/** All keys of the view. */
export function bindings({ explorer, player, director, picture, search, stats, live, help }: Parts): Key[] {
  const mode = (next: Mode) => () => {
    explorer.change({ mode: next });
  };
  const seek = (by: number) => () => {
    const axis = explorer.content.get()?.layout.axis;
    if (axis === undefined) return;
    player.pause();
    explorer.window.update((window) => sought(window, axis, by * (axis.until - axis.from)));
  };
  const move = (x: number, y: number, closer?: number) => () => {
    director?.stage.move(x, y, closer);
  };
  const step = (by: number) => () => {
    const order = explorer.content.get()?.layout.order;
    if (order === undefined) return;
    const now = explorer.selected;
    const next = now === NONE ? order.byRank.length - 1 : (order.rank[now] ?? 0) + by;
    const place = order.byRank[next];
    if (place !== undefined) explorer.select(place);
  };
  const speed = (change: (speed: number) => number) => () => {
    player.speed.update(change);
  };
  const key = (name: string, hint: string, act: () => void): Key => ({ key: name, hint, act });
  return [
    key("1", "commits", mode("commits")),
    key("2", "files", mode("heatmap")),
    key("3", "branches", mode("branches")),
    key("4", "all", mode("all")),
    key(" ", "let time pass, or stop it", () => {
      player.toggle();
    }),
    key("ArrowLeft", "back in time", seek(-SEEK)),
    key("ArrowRight", "on in time", seek(SEEK)),
    key("+", "faster", speed(faster)),
    key("-", "slower", speed(slower)),
    key("r", "see all of it", () => director?.home()),
    key("f", "go to the selected commit", () => director?.approach(explorer.selected)),
    key("j", "select the commit before", step(-1)),
    key("k", "select the commit after", step(1)),
    key("w", "move up", move(0, STEP)),
    key("a", "move left", move(-STEP, 0)),
    key("s", "move down", move(0, -STEP)),
    key("d", "move right", move(STEP, 0)),
    key("e", "come closer", move(0, 0, 1.25)),
    key("q", "go away", move(0, 0, 0.8)),
    key("g", "figures of the last frame", stats),
    key("l", "follow new commits, or not", live),
    key("Ctrl+/", "search", search),
    key("Ctrl+s", "save a picture", picture),
    key("?", "this help", help),
  ];
}
