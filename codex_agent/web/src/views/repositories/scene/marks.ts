// SPDX-License-Identifier: Apache-2.0
import { BufferAttribute, BufferGeometry, Group, Points, ShaderMaterial, Vector3 } from "three";

import { channels, GROUNDS, type Scheme } from "../colours/palette";
import type { Actor } from "./stage";

const MOST = 4;

const VERTEX = /* glsl */ `
uniform float height;
attribute float strong;
varying float ring;

void main() {
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  float own = height * 0.5 * projectionMatrix[1][1] / gl_Position.w;
  gl_PointSize = clamp(own * 1.9, 16.0, 96.0);
  ring = strong;
}
`;

const FRAGMENT = /* glsl */ `
uniform vec3 mark;
varying float ring;

void main() {
  float far = length(gl_PointCoord * 2.0 - 1.0);
  if (far > 0.98 || far < (ring > 0.5 ? 0.72 : 0.86)) discard;
  gl_FragColor = vec4(mark, 1.0);
}
`;

/** Rings around what is selected (strong), compared or pointed at. They show through what stands in front of them. */
export class MarksObject implements Actor {
  readonly group = new Group();
  readonly #geometry = new BufferGeometry();
  readonly #material: ShaderMaterial;

  constructor(height: { value: number }) {
    this.#material = new ShaderMaterial({
      uniforms: { height, mark: { value: new Vector3() } },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      depthTest: false,
    });
    this.#geometry.setAttribute("position", new BufferAttribute(new Float32Array(MOST * 3), 3));
    this.#geometry.setAttribute("strong", new BufferAttribute(new Float32Array(MOST), 1));
    this.#geometry.setDrawRange(0, 0);
    const points = new Points(this.#geometry, this.#material);
    points.renderOrder = 2;
    // A few vertices: asking whether they are in view costs more than drawing them.
    points.frustumCulled = false;
    this.group.add(points);
  }

  paint(scheme: Scheme): void {
    const mark = this.#material.uniforms["mark"];
    if (mark !== undefined) mark.value = new Vector3(...channels(GROUNDS[scheme].mark));
  }

  set(marks: readonly { readonly at: readonly [number, number, number]; readonly strong: boolean }[]): void {
    const places = this.#geometry.getAttribute("position");
    const strong = this.#geometry.getAttribute("strong");
    const given = marks.slice(0, MOST);
    given.forEach(({ at, strong: isStrong }, place) => {
      places.setXYZ(place, ...at);
      strong.setX(place, isStrong ? 1 : 0);
    });
    places.needsUpdate = true;
    strong.needsUpdate = true;
    this.#geometry.setDrawRange(0, given.length);
    this.group.visible = given.length > 0;
  }

  prepare(): void {
    // Nothing depends on the camera here.
  }

  dispose(): void {
    this.#geometry.dispose();
    this.#material.dispose();
  }
}
