// SPDX-License-Identifier: Apache-2.0
import { PerspectiveCamera } from "three";
import { describe, expect, test } from "vitest";

import { channels, colours, GROUNDS, HEATS } from "../src/views/repositories/colours/palette";
import { authorLooks, lookOf, OTHERS, SLOTS, slotsOf } from "../src/views/repositories/colours/slots";
import { NONE } from "../src/views/repositories/data/graph";
import { layoutOf, linksOf } from "../src/views/repositories/layout/layout";
import { chunksOf, detail, spread } from "../src/views/repositories/scene/chunks";
import { LABELS_MOST, placed } from "../src/views/repositories/scene/labels";
import { Picker } from "../src/views/repositories/scene/pick";
import { homeOf, onScreen, pointerAt } from "../src/views/repositories/scene/view";
import { HIDDEN, SHOWN } from "../src/views/repositories/state/filters";
import { anyHistory, graphOf, PEOPLE } from "./histories";

const graph = graphOf(anyHistory(5, 900), PEOPLE);
const layout = layoutOf(graph);

describe("chunks", () => {
  test.each([1, 2, 3, 7, 256, 1000])("%i places are spread, each once, any beginning evenly", (count) => {
    const places = spread(count);
    expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
    const half = [...places.subarray(0, Math.ceil(count / 2))].sort((a, b) => a - b);
    for (let at = 1; at < half.length; at += 1) expect((half[at] ?? 0) - (half[at - 1] ?? 0)).toBeLessThanOrEqual(4);
  });

  test("hold every commit and every link once, the links of their beginnings before the others", () => {
    const chunks = chunksOf(graph, layout);
    expect(chunks.flatMap(({ commits }) => [...commits]).sort((a, b) => a - b)).toEqual([...graph.number]);
    const pairs = (links: Uint32Array): string[] =>
      Array.from({ length: links.length / 2 }, (_, at) => `${links[2 * at] ?? 0} ${links[2 * at + 1] ?? 0}`);
    expect(chunks.flatMap(({ links }) => pairs(links)).sort()).toEqual(pairs(linksOf(graph)).sort());
    for (const { commits, links, linksBefore } of chunks) {
      expect(linksBefore[commits.length]).toBe(links.length / 2);
      const some = new Set(commits.subarray(0, 100));
      expect(pairs(links.subarray(0, 2 * (linksBefore[100] ?? 0))).every((pair) => some.has(parseInt(pair, 10)))).toBe(
        true,
      );
    }
  });

  test("of what is far away less is drawn, of what is near all", () => {
    expect(detail(16_384, 10)).toBe(256);
    expect(detail(16_384, 100)).toBe(2400);
    expect(detail(16_384, 5000)).toBe(16_384);
    expect(detail(10, 1)).toBe(10);
  });
});

describe("pointing", () => {
  const picker = new Picker(layout);
  const all = new Uint8Array(graph.count).fill(SHOWN);
  const camera = new PerspectiveCamera(50, 2, 0.1, 1e5);
  const { eye } = homeOf(layout.extent, 2, 50);
  camera.position.set(...eye);
  camera.lookAt(0, 0, 0);
  camera.updateMatrixWorld();
  const at = (commit: number): [number, number, number] => [
    layout.positions[3 * commit] ?? 0,
    layout.positions[3 * commit + 1] ?? 0,
    layout.positions[3 * commit + 2] ?? 0,
  ];
  const pointer = (commit: number, near = 2) => {
    const place = onScreen(camera, at(commit), 1000, 500);
    if (place === null) throw new Error(`Commit ${commit} is not in view.`);
    return pointerAt(camera, (place.x / 1000) * 2 - 1, 1 - (place.y / 500) * 2, 500, near);
  };

  test("from home all is in view, and each commit is found where it stands", () => {
    for (let commit = 0; commit < graph.count; commit += 13) {
      const found = picker.pick(pointer(commit), all, 0, graph.count);
      // Two may stand in the same place of the picture.
      const [one, other] = [onScreen(camera, at(found), 1000, 500), onScreen(camera, at(commit), 1000, 500)];
      expect(Math.hypot((one?.x ?? 0) - (other?.x ?? 0), (one?.y ?? 0) - (other?.y ?? 0))).toBeLessThan(0.6);
    }
  });

  test("what is hidden, or outside of the window, is not found", () => {
    const commit = layout.order.byRank[450] ?? 0;
    const hidden = all.slice();
    hidden[commit] = HIDDEN;
    expect(picker.pick(pointer(commit), hidden, 0, graph.count)).not.toBe(commit);
    expect(picker.pick(pointer(commit, 0.001), all, 451, graph.count)).not.toBe(commit);
    expect(picker.pick(pointer(commit), all, 0, 0)).toBe(NONE);
  });

  test("nothing is found beside everything, or behind the eye", () => {
    const away = { origin: eye, direction: [0, 1, 0] as const, spread: 0.001, reach: 0 };
    expect(picker.pick(away, all, 0, graph.count)).toBe(NONE);
    const { direction, ...rest } = pointer(450);
    const back = { ...rest, direction: [-direction[0], -direction[1], -direction[2]] as const };
    expect(picker.pick(back, all, 0, graph.count)).toBe(NONE);
  });
});

describe("labels", () => {
  const candidates = Array.from({ length: 200 }, (_, commit) => ({
    text: `b${commit}`,
    commit,
    strong: commit === 150,
  }));

  test("what is not in view has none", () => {
    expect(placed(candidates, () => null)).toEqual([]);
  });

  test("they do not cover each other, and the strong one is there", () => {
    const found = placed(candidates, () => ({ x: 10, y: 10 }));
    expect(found.map(({ text }) => text)).toEqual(["b150"]);
  });

  test("there are never too many", () => {
    const found = placed(candidates, (commit) => ({ x: 0, y: commit * 20 }));
    expect(found).toHaveLength(LABELS_MOST);
    expect(found[0]?.text).toBe("b150");
  });
});

describe("looks", () => {
  test("who commits most comes first; the others share one look", () => {
    const authors = Array.from({ length: 40 }, (_, at): [string, string] => [`A${at}`, `a${at}@example.org`]);
    const history = authors.flatMap((_, author) =>
      Array.from({ length: 41 - author }, () => ({ parents: [], time: 1, author })),
    );
    const many = graphOf(history, { authors });
    const looks = authorLooks(many);
    expect(looks[0]).toEqual({ author: 0, commits: 41, slot: 0 });
    expect(slotsOf(many, looks)[39]).toBe(OTHERS);
    expect(new Set(looks.slice(0, SLOTS).map(({ slot }) => JSON.stringify(lookOf(slot)))).size).toBe(SLOTS);
  });
});

/** Simulations of colour vision (Machado, Oliveira and Fernandes 2009, severity 1), on linear light. */
const EYES = [
  [1, 0, 0, 0, 1, 0, 0, 0, 1],
  [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
];

type Three = [number, number, number];

function linear(colour: string): Three {
  return channels(colour).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)) as Three;
}

function times(matrix: readonly number[], [a, b, c]: Three): Three {
  return [0, 3, 6].map(
    (row) => (matrix[row] ?? 0) * a + (matrix[row + 1] ?? 0) * b + (matrix[row + 2] ?? 0) * c,
  ) as Three;
}

function lab(light: Three): Three {
  const xyz = times([0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505], light);
  const white: Three = [0.95047, 1, 1.08883];
  const [x, y, z] = xyz.map((each, at) => {
    const share = each / (white[at] ?? 1);
    return share > 0.008856 ? Math.cbrt(share) : 7.787 * share + 16 / 116;
  }) as Three;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function seen(eye: readonly number[], colour: string): Three {
  return lab(times(eye, linear(colour)).map((each) => Math.min(1, Math.max(0, each))) as Three);
}

function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [r, g, b] = linear(colour);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [a, b] = [luminance(one), luminance(other)];
  return Math.max(a, b) / Math.min(a, b);
}

describe.each(["light", "dark"] as const)("colours of the %s scheme", (scheme) => {
  const hues = colours(scheme).slice(0, -1);

  test("are apart for every eye", () => {
    for (const eye of EYES)
      for (const [at, one] of hues.entries())
        for (const other of hues.slice(at + 1)) {
          const [a, b] = [seen(eye, one), seen(eye, other)];
          expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), `${one} ${other}`).toBeGreaterThan(22);
        }
  });

  test("can be seen on the ground", () => {
    for (const colour of colours(scheme)) expect(contrast(colour, GROUNDS[scheme].canvas)).toBeGreaterThanOrEqual(3);
  });

  test("heat gets stronger against the ground", () => {
    const steps = HEATS[scheme].map((colour) => contrast(colour, GROUNDS[scheme].canvas));
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
  });
});
