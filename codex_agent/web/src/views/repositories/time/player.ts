// SPDX-License-Identifier: Apache-2.0
import { createStore } from "../../../state/store";
import type { Axis } from "../layout/axis";
import { beginning, played, type Window } from "./window";
import type { Store } from "../../../state/store";

/** A page in the background draws no frames; when it comes back, time has not run away. */
const LONGEST_STEP_S = 0.25;

/** Calls back before the next frame, with a time in milliseconds; the answer takes the call back. */
export type NextFrame = (then: (at: number) => void) => () => void;

const browserFrame: NextFrame = (then) => {
  const asked = requestAnimationFrame(then);
  return () => {
    cancelAnimationFrame(asked);
  };
};

/** Lets time pass in the window, frame by frame. */
export class Player {
  readonly playing = createStore(false);
  readonly speed = createStore(1);
  readonly #window: Store<Window>;
  readonly #axis: () => Axis | null;
  readonly #next: NextFrame;
  #cancel: () => void = () => undefined;

  constructor(window: Store<Window>, axis: () => Axis | null, next: NextFrame = browserFrame) {
    this.#window = window;
    this.#axis = axis;
    this.#next = next;
  }

  toggle(): void {
    if (this.playing.get()) this.pause();
    else this.play();
  }

  play(): void {
    const axis = this.#axis();
    if (axis === null || this.playing.get()) return;
    this.#window.update((window) => beginning(window, axis));
    this.playing.set(true);
    this.#await(null);
  }

  pause(): void {
    this.#cancel();
    this.playing.set(false);
  }

  #await(before: number | null): void {
    this.#cancel = this.#next((at) => {
      this.#step(before === null ? 0 : Math.min((at - before) / 1000, LONGEST_STEP_S), at);
    });
  }

  #step(elapsed: number, at: number): void {
    const axis = this.#axis();
    const next = axis === null ? null : played(this.#window.get(), axis, this.speed.get(), elapsed);
    if (next === null) {
      // The end of what there is: from here on the window follows what is new.
      this.#window.update((window) => ({ ...window, until: null }));
      this.pause();
      return;
    }
    this.#window.set(next);
    this.#await(at);
  }
}
