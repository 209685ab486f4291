// SPDX-License-Identifier: Apache-2.0
import {
  BoxGeometry,
  DataTexture,
  FloatType,
  Group,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  RGFormat,
  ShaderMaterial,
  Sphere,
  Vector3,
} from "three";

import { heightOf, MOMENTS, stateAt, type City } from "../layout/city";
import { NONE } from "../data/graph";
import type { Pointer } from "./pick";
import type { Actor } from "./stage";
import type { Shared } from "./uniforms";

/** Texels in one row of the table of states. */
const ROW = 4096;

const VERTEX = /* glsl */ `
uniform sampler2D states;
uniform float moment;
uniform float most;
uniform float hottest;
uniform float highest;
uniform float floorY;
uniform vec3 heat[4];
attribute vec4 plot;
attribute float building;
varying vec3 tint;

vec2 at(float place) {
  float texel = building * ${MOMENTS}.0 + place;
  return texelFetch(states, ivec2(int(mod(texel, ${ROW}.0)), int(floor(texel / ${ROW}.0))), 0).rg;
}

void main() {
  float exact = moment * ${MOMENTS - 1}.0;
  vec2 now = at(floor(exact));
  if (now.x < 0.0) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    return;
  }
  vec2 next = at(min(floor(exact) + 1.0, ${MOMENTS - 1}.0));
  float part = exact - floor(exact);
  float changes = next.x < 0.0 ? now.x : mix(now.x, next.x, part);
  float high = (0.02 + 0.98 * sqrt(changes / most)) * highest;
  vec3 place = vec3(
    plot.x + (position.x * 0.92 + 0.5) * plot.z,
    floorY + (position.y + 0.5) * high,
    plot.y + (position.z * 0.92 + 0.5) * plot.w
  );
  gl_Position = projectionMatrix * modelViewMatrix * vec4(place, 1.0);
  float warm = clamp(sqrt(mix(now.y, next.y, part) / hottest), 0.0, 1.0) * 3.0;
  vec3 colour = warm < 1.0 ? mix(heat[0], heat[1], warm)
    : warm < 2.0 ? mix(heat[1], heat[2], warm - 1.0) : mix(heat[2], heat[3], warm - 2.0);
  tint = colour * (0.68 + 0.32 * max(normal.y, 0.45 * abs(normal.z)));
}
`;

const FRAGMENT = /* glsl */ `
varying vec3 tint;

void main() {
  gl_FragColor = vec4(tint, 1.0);
}
`;

/** Files as buildings, one draw call; time is one uniform, by which each building looks up what it was then. */
export class BuildingsObject implements Actor {
  readonly group = new Group();
  readonly city: City;
  readonly #geometry = new InstancedBufferGeometry();
  readonly #material: ShaderMaterial;
  readonly #texture: DataTexture;
  readonly #shared: Shared;
  readonly #highest: number;
  readonly #floor: number;

  /** `floor` is the height at which they stand, `highest` the height of the most changed one. */
  constructor(city: City, floor: number, highest: number, shared: Shared) {
    this.city = city;
    this.#shared = shared;
    this.#floor = floor;
    this.#highest = highest;
    const count = city.plots.length;
    const rows = Math.max(1, Math.ceil((count * MOMENTS) / ROW));
    const table = new Float32Array(rows * ROW * 2);
    table.set(city.states);
    this.#texture = new DataTexture(table, ROW, rows, RGFormat, FloatType);
    this.#texture.needsUpdate = true;
    this.#material = new ShaderMaterial({
      uniforms: {
        ...shared,
        states: { value: this.#texture },
        most: { value: city.most },
        hottest: { value: city.hottest },
        highest: { value: highest },
        floorY: { value: floor },
      },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
    });
    const plots = new Float32Array(count * 4);
    city.plots.forEach(({ x, y, width, height }, at) => {
      plots.set([x, y, width, height], at * 4);
    });
    const box = new BoxGeometry(1, 1, 1);
    this.#geometry.setIndex(box.getIndex());
    this.#geometry.setAttribute("position", box.getAttribute("position"));
    this.#geometry.setAttribute("normal", box.getAttribute("normal"));
    this.#geometry.setAttribute("plot", new InstancedBufferAttribute(plots, 4));
    this.#geometry.setAttribute(
      "building",
      new InstancedBufferAttribute(
        Float32Array.from({ length: count }, (_, at) => at),
        1,
      ),
    );
    this.#geometry.instanceCount = count;
    const far = city.plots.reduce((most, { x, y }) => Math.max(most, Math.hypot(x, y)), 0) * 1.5 + highest;
    this.#geometry.boundingSphere = new Sphere(new Vector3(0, floor, 0), far);
    this.group.add(new Mesh(this.#geometry, this.#material));
  }

  /** The building that a ray meets first, as its place in the city; NONE where it meets none. */
  pick({ origin, direction }: Pointer): number {
    let best = NONE;
    let least = Infinity;
    this.city.plots.forEach(({ x, y, width, height }, building) => {
      const { changes } = stateAt(this.city, building, this.#shared.moment.value);
      if (changes === null) return;
      const top = this.#floor + heightOf(changes, this.city.most, this.#highest);
      const far = meets(origin, direction, [x, this.#floor, y], [x + width, top, y + height]);
      if (far < least) {
        least = far;
        best = building;
      }
    });
    return best;
  }

  prepare(): void {
    // One call, whatever is in view.
  }

  dispose(): void {
    this.#geometry.dispose();
    this.#texture.dispose();
    this.#material.dispose();
  }
}

type Three = readonly [number, number, number];

/** How far along a ray a box is met; Infinity where it is not. */
export function meets(origin: Three, direction: Three, min: Three, max: Three): number {
  let near = 0;
  let far = Infinity;
  for (const axis of [0, 1, 2] as const) {
    const inverse = 1 / direction[axis];
    const one = (min[axis] - origin[axis]) * inverse;
    const other = (max[axis] - origin[axis]) * inverse;
    // A ray along the side of a box has no number for it: that axis decides nothing.
    if (Number.isNaN(one) || Number.isNaN(other)) continue;
    near = Math.max(near, Math.min(one, other));
    far = Math.min(far, Math.max(one, other));
  }
  return near <= far ? near : Infinity;
}
