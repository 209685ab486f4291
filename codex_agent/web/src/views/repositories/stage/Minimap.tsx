// SPDX-License-Identifier: Apache-2.0
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useStore } from "../../../state/store";
import { GREYS, type Scheme } from "../colours/palette";
import type { Director } from "../scene/director";
import type { Frame } from "../scene/stage";
import type { Content, Explorer, Shown } from "../state/explorer";
import { HIDDEN } from "../state/filters";
import { ranksOf, type Window } from "../time/window";

const WIDTH = 200;
const HEIGHT = 72;

/** Where something of the scene lies on the map, in its pixels. */
export function onMap(x: number, y: number, extent: { readonly length: number; readonly height: number }) {
  return {
    x: (x / extent.length + 0.5) * (WIDTH - 4) + 2,
    y: (0.5 - y / Math.max(extent.height, 1)) * (HEIGHT - 4) + 2,
  };
}

/** How many shown commits lie on each pixel of the map. */
export function density(content: Content, shown: Shown, window: Window): Uint16Array {
  const found = new Uint16Array(WIDTH * HEIGHT);
  const { order, positions, extent } = content.layout;
  const { low, high } = ranksOf(order.times, window);
  for (let rank = low; rank < high; rank += 1) {
    const commit = order.byRank[rank] ?? 0;
    if ((shown.states[commit] ?? HIDDEN) === HIDDEN) continue;
    const { x, y } = onMap(positions[3 * commit] ?? 0, positions[3 * commit + 1] ?? 0, extent);
    const pixel = Math.floor(y) * WIDTH + Math.floor(x);
    found[pixel] = Math.min(65_535, (found[pixel] ?? 0) + 1);
  }
  return found;
}

interface MinimapProps {
  readonly explorer: Explorer;
  readonly director: RefObject<Director | null>;
  /** The last frame: the map shows where it was looked from. */
  readonly frame: Frame | null;
  readonly scheme: Scheme;
}

/** The whole history from the front, small, and what of it is in view; a press looks there. */
export function Minimap({ explorer, director, frame, scheme }: MinimapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const content = useStore(explorer.content);
  const shown = useStore(explorer.shown);
  const window = useStore(explorer.window);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || content === null || shown === null) return;
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = GREYS[scheme];
    density(content, shown, window).forEach((count, pixel) => {
      if (count === 0) return;
      context.globalAlpha = Math.min(1, 0.35 + Math.log10(count + 1) / 3);
      context.fillRect(pixel % WIDTH, Math.floor(pixel / WIDTH), 1, 1);
    });
  }, [content, shown, window, scheme]);
  if (content === null || frame === null) return null;
  const { extent } = content.layout;
  const target = director.current?.stage.seen();
  const [from, to] =
    target === undefined ? [] : [onMap(target.left, target.top, extent), onMap(target.right, target.bottom, extent)];
  return (
    <div class="minimap" data-testid="minimap">
      <canvas ref={canvas} width={WIDTH} height={HEIGHT} aria-hidden="true" />
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        aria-hidden="true"
        onPointerDown={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const x = ((event.clientX - box.left) / box.width - 0.5) * extent.length;
          const y = (0.5 - (event.clientY - box.top) / box.height) * extent.height;
          director.current?.stage.centre(x, y);
        }}
      >
        {from !== undefined && to !== undefined && (
          <rect
            x={Math.max(1, from.x)}
            y={Math.max(1, from.y)}
            width={Math.max(3, Math.min(WIDTH - 1, to.x) - Math.max(1, from.x))}
            height={Math.max(3, Math.min(HEIGHT - 1, to.y) - Math.max(1, from.y))}
          />
        )}
      </svg>
    </div>
  );
}
