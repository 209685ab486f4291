// SPDX-License-Identifier: Apache-2.0

/** A rectangle of the ground. */
export interface Plot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: { readonly file: number; readonly weight: number }[];
  weight: number;
}

/** Names below one folder that get ground of their own; deeper ones share that of their folder. */
const DEEPEST = 60;

function folder(): Folder {
  return { folders: new Map(), files: [], weight: 0 };
}

function treeOf(paths: readonly string[], weights: Float64Array): Folder {
  const top = folder();
  paths.forEach((path, file) => {
    const weight = weights[file] ?? 0;
    if (weight <= 0) return;
    let at = top;
    at.weight += weight;
    for (const name of path.split("/").slice(0, -1).slice(0, DEEPEST)) {
      let next = at.folders.get(name);
      if (next === undefined) {
        next = folder();
        at.folders.set(name, next);
      }
      next.weight += weight;
      at = next;
    }
    at.files.push({ file, weight });
  });
  return top;
}

/** The worst ratio of sides in a row of areas along a side. */
function worst(sum: number, least: number, most: number, side: number): number {
  const square = side * side;
  return Math.max((square * most) / (sum * sum), (sum * sum) / (square * least));
}

/**
 * Cuts a plot into plots of the given areas, as square as they can be (squarified treemaps: Bruls, Huizing and van Wijk
 * 2000). Weights fall; the areas fill the plot.
 */
export function squarified(weights: readonly number[], plot: Plot): Plot[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = total > 0 ? (plot.width * plot.height) / total : 0;
  const found: Plot[] = [];
  let { x, y, width, height } = plot;
  let at = 0;
  while (at < weights.length) {
    const side = Math.max(Math.min(width, height), 1e-9);
    let sum = (weights[at] ?? 0) * scale;
    const most = sum;
    let ratio = worst(sum, sum, most, side);
    let end = at + 1;
    for (; end < weights.length; end += 1) {
      const next = (weights[end] ?? 0) * scale;
      const now = worst(sum + next, next, most, side);
      if (now > ratio) break;
      ratio = now;
      sum += next;
    }
    const thick = sum / side;
    let along = 0;
    for (; at < end; at += 1) {
      const long = sum > 0 ? (((weights[at] ?? 0) * scale) / sum) * side : 0;
      found.push(
        width >= height
          ? { x, y: y + along, width: thick, height: long }
          : { x: x + along, y, width: long, height: thick },
      );
      along += long;
    }
    if (width >= height) {
      x += thick;
      width = Math.max(0, width - thick);
    } else {
      y += thick;
      height = Math.max(0, height - thick);
    }
  }
  return found;
}

/** Streets between folders, as a share of the smaller side. */
const STREET = 0.02;

/** The ground of each file inside of `plot`, by folders; null for those without weight. Names decide equal weights. */
export function plotsOf(paths: readonly string[], weights: Float64Array, plot: Plot): (Plot | null)[] {
  const found = new Array<Plot | null>(paths.length).fill(null);
  const lay = (at: Folder, ground: Plot): void => {
    const entries = [
      ...[...at.folders].map(([name, inner]) => ({ name, weight: inner.weight, inner, file: -1 })),
      ...at.files.map(({ file, weight }) => ({ name: paths[file] ?? "", weight, inner: null, file })),
    ].sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
    const grounds = squarified(
      entries.map(({ weight }) => weight),
      ground,
    );
    entries.forEach(({ inner, file }, nth) => {
      const own = grounds[nth];
      if (own === undefined) return;
      if (inner === null) {
        found[file] = own;
        return;
      }
      const street = Math.min(own.width, own.height) * STREET;
      lay(inner, {
        x: own.x + street,
        y: own.y + street,
        width: own.width - 2 * street,
        height: own.height - 2 * street,
      });
    });
  };
  lay(treeOf(paths, weights), plot);
  return found;
}
