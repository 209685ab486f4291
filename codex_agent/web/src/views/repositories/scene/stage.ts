// SPDX-License-Identifier: Apache-2.0
import { Group, PerspectiveCamera, Scene, Vector3, WebGLRenderer } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

import { HEATS, type Scheme } from "../colours/palette";
import { citySize } from "../layout/city";
import type { Extent } from "../layout/layout";
import type { Look } from "../state/link";
import type { Width } from "./commits";
import type { Pointer } from "./pick";
import { paint, sharedUniforms } from "./uniforms";
import { cityHome, homeOf, onScreen, pixels, pointerAt } from "./view";

const DEGREES = 50;
/** More pixels than this for each of the page's are not worth their time. */
const RATIO_MOST = 2;
/** A finger or mouse may miss by so much. */
const NEAR_PX = 8;

/** What one frame took. */
export interface Frame {
  readonly calls: number;
  readonly points: number;
  readonly lines: number;
  readonly triangles: number;
  readonly ms: number;
}

/** What stands in the scene: prepared before each frame, for whatever looks at it. */
export interface Actor {
  readonly group: Group;
  readonly prepare: (low: number, high: number, width: Width) => void;
  readonly dispose: () => void;
}

export interface StageEvents {
  /** After each frame. */
  readonly drawn: (frame: Frame) => void;
  /** The person has moved the camera, and stopped. */
  readonly moved: () => void;
  /** The graphics processor was taken away: nothing is drawn until it comes back. */
  readonly lost: (lost: boolean) => void;
}

/** Draws a scene into a canvas when something has changed, and only then. Throws where there is no WebGL 2. */
export class Stage {
  readonly shared = sharedUniforms();
  readonly #renderer: WebGLRenderer;
  readonly #camera = new PerspectiveCamera(DEGREES, 1, 0.1, 1e5);
  readonly #controls: OrbitControls;
  readonly #scene = new Scene();
  readonly #events: StageEvents;
  readonly #actors = new Set<Actor>();
  #asked = 0;
  #size = { width: 1, height: 1 };

  constructor(canvas: HTMLCanvasElement, events: StageEvents) {
    this.#events = events;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true, powerPreference: "high-performance" });
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.zoomToCursor = true;
    this.#controls.screenSpacePanning = true;
    this.#controls.minDistance = 0.5;
    this.#controls.addEventListener("change", this.invalidate);
    this.#controls.addEventListener("end", events.moved);
    canvas.addEventListener("webglcontextlost", this.#lost);
    canvas.addEventListener("webglcontextrestored", this.#restored);
  }

  /** Asks for a frame; many askings before it are one. */
  readonly invalidate = (): void => {
    if (this.#asked === 0) this.#asked = requestAnimationFrame(this.#draw);
  };

  add(actor: Actor): void {
    this.#actors.add(actor);
    this.#scene.add(actor.group);
    this.invalidate();
  }

  remove(actor: Actor): void {
    if (!this.#actors.delete(actor)) return;
    this.#scene.remove(actor.group);
    actor.dispose();
    this.invalidate();
  }

  /** The size in pixels of the page. */
  resize(width: number, height: number, ratio: number): void {
    this.#size = { width: Math.max(1, width), height: Math.max(1, height) };
    this.#renderer.setPixelRatio(Math.min(ratio, RATIO_MOST));
    // Its place on the page is the style sheet's.
    this.#renderer.setSize(this.#size.width, this.#size.height, false);
    this.#camera.aspect = this.#size.width / this.#size.height;
    this.#camera.updateProjectionMatrix();
    this.invalidate();
  }

  paint(scheme: Scheme): void {
    this.#renderer.setClearColor(paint(this.shared, scheme, HEATS[scheme]));
    this.invalidate();
  }

  /** The window of time: in ranks, and where its ends lie on the axis (0 to 1). */
  window(low: number, high: number, earlier: number, moment: number): void {
    this.shared.earlier.value = earlier;
    this.shared.low.value = low;
    this.shared.high.value = high;
    this.shared.moment.value = moment;
    this.invalidate();
  }

  home(extent: Extent, ofCity: boolean): Look {
    const { aspect } = this.#camera;
    return ofCity ? cityHome(citySize(extent), aspect, DEGREES) : homeOf(extent, aspect, DEGREES);
  }

  get look(): Look {
    const { position } = this.#camera;
    const { target } = this.#controls;
    return { eye: [position.x, position.y, position.z], target: [target.x, target.y, target.z] };
  }

  set look({ eye, target }: Look) {
    this.#camera.position.set(...eye);
    this.#controls.target.set(...target);
    this.#controls.update();
    this.invalidate();
  }

  /** Moves eye and target sideways by shares of what is seen, or towards the target by a factor. */
  move(x: number, y: number, closer = 1): void {
    const { position, quaternion } = this.#camera;
    const { target } = this.#controls;
    const far = position.distanceTo(target);
    const step = new Vector3(x, y, 0).multiplyScalar(far).applyQuaternion(quaternion);
    target.add(step);
    position.add(step).sub(target).divideScalar(closer).add(target);
    this.#controls.update();
    this.#events.moved();
    this.invalidate();
  }

  /** Stands before one place, as far away as a few lanes are high. */
  approach(at: readonly [number, number, number], far = 30): void {
    const { position } = this.#camera;
    const { target } = this.#controls;
    const side = position.clone().sub(target).normalize().multiplyScalar(far);
    target.set(...at);
    position.copy(target).add(side);
    this.#controls.update();
    this.#events.moved();
    this.invalidate();
  }

  /** What of the plane of the target, seen from the front, is in view; a turned camera sees about as much. */
  seen(): { left: number; right: number; top: number; bottom: number } {
    const { target } = this.#controls;
    const high = this.#camera.position.distanceTo(target) * Math.tan((DEGREES * Math.PI) / 360);
    const wide = high * this.#camera.aspect;
    return { left: target.x - wide, right: target.x + wide, top: target.y + high, bottom: target.y - high };
  }

  /** Looks at another place of that plane, from the same side and as far away. */
  centre(x: number, y: number): void {
    const { target } = this.#controls;
    const step = new Vector3(x - target.x, y - target.y, 0);
    target.add(step);
    this.#camera.position.add(step);
    this.#controls.update();
    this.#events.moved();
    this.invalidate();
  }

  /** The ray through a place of the page's canvas, in its pixels. */
  pointer(x: number, y: number): Pointer {
    const { width, height } = this.#size;
    this.#camera.updateMatrixWorld();
    return pointerAt(this.#camera, (x / width) * 2 - 1, 1 - (y / height) * 2, height, NEAR_PX);
  }

  screen(at: readonly [number, number, number]): { x: number; y: number; far: number } | null {
    return onScreen(this.#camera, at, this.#size.width, this.#size.height);
  }

  /** Draws now and gives the picture; null where the browser makes none. */
  picture(): Promise<Blob | null> {
    this.#draw();
    // In the same task as the drawing, before the browser clears what was drawn.
    return new Promise((resolve) => {
      this.#renderer.domElement.toBlob(resolve, "image/png");
    });
  }

  dispose(): void {
    cancelAnimationFrame(this.#asked);
    const canvas = this.#renderer.domElement;
    canvas.removeEventListener("webglcontextlost", this.#lost);
    canvas.removeEventListener("webglcontextrestored", this.#restored);
    for (const actor of [...this.#actors]) actor.dispose();
    this.#controls.dispose();
    this.#renderer.dispose();
  }

  readonly #lost = (event: Event): void => {
    // Otherwise the browser never gives it back.
    event.preventDefault();
    this.#events.lost(true);
  };

  readonly #restored = (): void => {
    this.#events.lost(false);
    this.invalidate();
  };

  readonly #draw = (): void => {
    this.#asked = 0;
    const began = performance.now();
    this.#camera.updateMatrixWorld();
    const height = this.#renderer.domElement.height;
    this.shared.height.value = height;
    const width: Width = (sphere) => pixels(this.#camera, height, sphere);
    for (const actor of this.#actors) actor.prepare(this.shared.low.value, this.shared.high.value, width);
    this.#renderer.render(this.#scene, this.#camera);
    const { calls, points, lines, triangles } = this.#renderer.info.render;
    this.#events.drawn({ calls, points, lines, triangles, ms: performance.now() - began });
  };
}
