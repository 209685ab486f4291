// SPDX-License-Identifier: Apache-2.0
import { BufferAttribute, BufferGeometry, Group, LineSegments, Points, ShaderMaterial, Sphere, Vector3 } from "three";

import type { Graph } from "../data/graph";
import type { Layout } from "../layout/layout";
import { HIDDEN } from "../state/filters";
import { chunksOf, detail, type Box, type Chunk } from "./chunks";
import { LINK_FRAGMENT, LINK_VERTEX, POINT_FRAGMENT, POINT_VERTEX } from "./shaders";
import type { Shared } from "./uniforms";

function sphere({ min, max }: Box): Sphere {
  const centre = new Vector3((min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2);
  return new Sphere(centre, centre.distanceTo(new Vector3(...max)) + 1);
}

interface Part {
  readonly chunk: Chunk;
  readonly sphere: Sphere;
  readonly points: Points;
  readonly links: LineSegments;
}

/** How wide a thing of the scene is on the screen, in pixels, for whichever cameras there are. */
export type Width = (sphere: Sphere) => number;

/** The commits of a history and the links between them, as two draw calls for each chunk. */
export class CommitsObject {
  readonly group = new Group();
  readonly #parts: readonly Part[];
  readonly #materials: readonly ShaderMaterial[];

  constructor(graph: Graph, layout: Layout, slots: Uint8Array, shared: Shared) {
    const points = new ShaderMaterial({
      uniforms: shared,
      vertexShader: POINT_VERTEX,
      fragmentShader: POINT_FRAGMENT,
    });
    const links = new ShaderMaterial({ uniforms: shared, vertexShader: LINK_VERTEX, fragmentShader: LINK_FRAGMENT });
    this.#materials = [points, links];
    this.#parts = chunksOf(graph, layout).map((chunk) => ({
      chunk,
      sphere: sphere(chunk.box),
      points: new Points(pointGeometry(chunk, graph, layout, slots), points),
      links: new LineSegments(linkGeometry(chunk, layout), links),
    }));
    for (const part of this.#parts) {
      part.points.geometry.boundingSphere = part.sphere;
      part.links.geometry.boundingSphere = part.sphere;
      // Links lie behind the commits that they join.
      part.links.renderOrder = -1;
      this.group.add(part.links, part.points);
    }
  }

  /** Uploads what the filters make of each commit. */
  show(shown: Uint8Array): void {
    for (const { chunk, points, links } of this.#parts) {
      update(points.geometry, (place) => shown[chunk.commits[place] ?? 0] ?? HIDDEN);
      update(links.geometry, (vertex) => {
        const link = vertex & ~1;
        return Math.min(shown[chunk.links[link] ?? 0] ?? HIDDEN, shown[chunk.links[link + 1] ?? 0] ?? HIDDEN);
      });
    }
  }

  /** Leaves out what is outside of the window, and of what is far away all that would cover each other. */
  prepare(low: number, high: number, width: Width): void {
    for (const { chunk, sphere: around, points, links } of this.#parts) {
      const inside = chunk.low < high && chunk.high > low;
      points.visible = inside;
      links.visible = inside;
      if (!inside) continue;
      const count = detail(chunk.commits.length, width(around));
      points.geometry.setDrawRange(0, count);
      links.geometry.setDrawRange(0, 2 * (chunk.linksBefore[count] ?? 0));
    }
  }

  dispose(): void {
    for (const { points, links } of this.#parts) {
      points.geometry.dispose();
      links.geometry.dispose();
    }
    for (const material of this.#materials) material.dispose();
  }
}

function update(geometry: BufferGeometry, value: (place: number) => number): void {
  const attribute = geometry.getAttribute("shown");
  const { array } = attribute;
  for (let place = 0; place < array.length; place += 1) array[place] = value(place);
  attribute.needsUpdate = true;
}

function placesOf(positions: Float32Array, commits: Uint32Array): BufferAttribute {
  const found = new Float32Array(commits.length * 3);
  commits.forEach((commit, place) => {
    found.set(positions.subarray(3 * commit, 3 * commit + 3), 3 * place);
  });
  return new BufferAttribute(found, 3);
}

function pointGeometry(chunk: Chunk, graph: Graph, layout: Layout, slots: Uint8Array): BufferGeometry {
  const { commits } = chunk;
  const rank = Float32Array.from(commits, (commit) => layout.order.rank[commit] ?? 0);
  const slot = Uint8Array.from(commits, (commit) => slots[graph.author[commit] ?? 0] ?? 0);
  return new BufferGeometry()
    .setAttribute("position", placesOf(layout.positions, commits))
    .setAttribute("rank", new BufferAttribute(rank, 1))
    .setAttribute("slot", new BufferAttribute(slot, 1))
    .setAttribute("shown", new BufferAttribute(new Uint8Array(commits.length), 1));
}

function linkGeometry(chunk: Chunk, layout: Layout): BufferGeometry {
  const { links } = chunk;
  const span = new Float32Array(links.length * 2);
  for (let at = 0; at < links.length; at += 2) {
    const one = layout.order.rank[links[at] ?? 0] ?? 0;
    const other = layout.order.rank[links[at + 1] ?? 0] ?? 0;
    const pair = [Math.min(one, other), Math.max(one, other)];
    span.set([...pair, ...pair], at * 2);
  }
  return new BufferGeometry()
    .setAttribute("position", placesOf(layout.positions, links))
    .setAttribute("span", new BufferAttribute(span, 2))
    .setAttribute("shown", new BufferAttribute(new Uint8Array(links.length), 1));
}
