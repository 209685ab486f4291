// SPDX-License-Identifier: Apache-2.0
import {
  BoxGeometry,
  Group,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  ShaderMaterial,
  Sphere,
  Vector3,
} from "three";

import { HUES } from "../colours/palette";
import { NONE, type Graph } from "../data/graph";
import type { Layout } from "../layout/layout";
import { FAINT } from "../state/filters";
import type { Actor } from "./stage";
import type { Shared } from "./uniforms";

const VERTEX = /* glsl */ `
uniform float xLow;
uniform float xHigh;
uniform float thick;
uniform vec3 palette[7];
attribute vec3 begin;
attribute vec3 finish;
attribute float hue;
attribute float shown;
varying vec3 tint;

void main() {
  float along = max(finish.x - begin.x, 1e-4);
  float first = clamp((xLow - begin.x) / along, 0.0, 1.0);
  float last = clamp((xHigh - begin.x) / along, 0.0, 1.0);
  bool gone = begin.x > xHigh || finish.x < xLow || shown < 0.5;
  if (gone) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    return;
  }
  // The box is 1 long, from -0.5 to 0.5; it never is without length, so that a single commit is seen.
  vec3 at = mix(begin, finish, mix(first, last, position.x + 0.5));
  at += vec3(position.x * 0.5, position.yz * 2.0) * thick;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(at, 1.0);
  float light = 0.72 + 0.28 * max(normal.y, 0.4 * normal.z);
  tint = palette[int(hue + 0.5)] * light;
}
`;

const FRAGMENT = /* glsl */ `
varying vec3 tint;

void main() {
  gl_FragColor = vec4(tint, 1.0);
}
`;

/** The oldest and the newest commit of each line. */
export function endsOf(graph: Graph, layout: Layout): { first: Uint32Array; last: Uint32Array } {
  const first = new Uint32Array(layout.lanes.lines).fill(NONE);
  const last = new Uint32Array(layout.lanes.lines);
  for (let commit = 0; commit < graph.count; commit += 1) {
    const line = layout.lanes.line[commit] ?? 0;
    if (first[line] === NONE) first[line] = commit;
    last[line] = commit;
  }
  return { first, last };
}

/** A bar for each line of first parents, coloured by its branch; one draw call. Time cuts it where it has come to. */
export class BarsObject implements Actor {
  readonly group = new Group();
  readonly #geometry = new InstancedBufferGeometry();
  readonly #material: ShaderMaterial;
  readonly #ends = { xLow: { value: 0 }, xHigh: { value: 0 } };
  readonly #line: Uint32Array;
  readonly #xs: Float32Array;

  constructor(graph: Graph, layout: Layout, shared: Shared) {
    this.#line = layout.lanes.line;
    this.#material = new ShaderMaterial({
      uniforms: { ...shared, ...this.#ends },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
    });
    const { lines } = layout.lanes;
    const { first, last } = endsOf(graph, layout);
    const places = (commits: Uint32Array): InstancedBufferAttribute => {
      const found = new Float32Array(lines * 3);
      commits.forEach((commit, line) => {
        found.set(layout.positions.subarray(3 * commit, 3 * commit + 3), 3 * line);
      });
      return new InstancedBufferAttribute(found, 3);
    };
    const hue = Float32Array.from(first, (commit) => (graph.branch[commit] ?? 0) % HUES);
    const box = new BoxGeometry(1, 1, 1);
    this.#geometry.setIndex(box.getIndex());
    this.#geometry.setAttribute("position", box.getAttribute("position"));
    this.#geometry.setAttribute("normal", box.getAttribute("normal"));
    this.#geometry.setAttribute("begin", places(first));
    this.#geometry.setAttribute("finish", places(last));
    this.#geometry.setAttribute("hue", new InstancedBufferAttribute(hue, 1));
    this.#geometry.setAttribute("shown", new InstancedBufferAttribute(new Uint8Array(lines), 1));
    this.#geometry.instanceCount = lines;
    const { length, height, depth } = layout.extent;
    this.#geometry.boundingSphere = new Sphere(new Vector3(), Math.hypot(length, height * 2, depth) / 2 + 1);
    this.group.add(new Mesh(this.#geometry, this.#material));
    // Where each rank lies, so that the window's ends are places.
    this.#xs = Float32Array.from(layout.order.byRank, (commit) => layout.positions[3 * commit] ?? 0);
  }

  /** A bar is there as long as one of its commits passes the filters. */
  show(states: Uint8Array): void {
    const attribute = this.#geometry.getAttribute("shown");
    attribute.array.fill(0);
    states.forEach((state, commit) => {
      if (state >= FAINT) attribute.array[this.#line[commit] ?? 0] = 1;
    });
    attribute.needsUpdate = true;
  }

  prepare(low: number, high: number): void {
    const last = this.#xs.length - 1;
    this.group.children.forEach((child) => {
      child.visible = high > low;
    });
    this.#ends.xLow.value = this.#xs[Math.min(low, Math.max(0, last))] ?? 0;
    this.#ends.xHigh.value = this.#xs[Math.max(0, Math.min(high - 1, last))] ?? 0;
  }

  dispose(): void {
    this.#geometry.dispose();
    this.#material.dispose();
  }
}
