// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";

import { visible } from "../../../format/text";
import { Problem } from "../../../api/problem";
import { useStore } from "../../../state/store";
import type { Scheme } from "../colours/palette";
import { NONE } from "../data/graph";
import { dateTime, whole } from "../format";
import { Director } from "../scene/director";
import type { Label } from "../scene/labels";
import type { Frame } from "../scene/stage";
import type { Explorer } from "../state/explorer";
import { Minimap } from "./Minimap";

/** A pointer that moved further than this between press and release has turned the scene. */
const CLICK_PX = 4;

interface SceneCanvasProps {
  readonly explorer: Explorer;
  readonly scheme: Scheme;
  readonly compared: number;
  readonly stats: boolean;
  readonly onDirector: (director: Director | null) => void;
  readonly onProblem: (problem: Problem | null) => void;
}

const NO_SCENE = new Problem(
  "format",
  "no_webgl",
  "This browser cannot draw the scene: it has no WebGL 2.",
  "The table below shows the same commits.",
);
const LOST = new Problem(
  "format",
  "webgl_lost",
  "The graphics processor was taken away from this page.",
  "The scene comes back with it; until then the table below shows the same commits.",
);

interface Hovered {
  /** A commit, or NONE over a building. */
  readonly place: number;
  readonly path: string | null;
  readonly x: number;
  readonly y: number;
}

/** What is written beside the commit that is pointed at. */
function Tip({ explorer, hovered }: { readonly explorer: Explorer; readonly hovered: Hovered }) {
  const content = useStore(explorer.content);
  if (content === null) return null;
  const { graph, layout, oids } = content;
  const { place, path, x, y } = hovered;
  const author = graph.authors[graph.author[place] ?? 0]?.name ?? "";
  const parts =
    path !== null ? [path] : [oids.text(place).slice(0, 12), dateTime(layout.order.when[place] ?? 0), author];
  return (
    <text class="scene-tip" x={x} y={Math.max(14, y - 12)} text-anchor="middle">
      {visible(parts.join(", "))}
    </text>
  );
}

/** The scene, with names over it. What it shows can be read in the table, too. */
export function SceneCanvas({ explorer, scheme, compared, stats, onDirector, onProblem }: SceneCanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const director = useRef<Director | null>(null);
  const [labels, setLabels] = useState<readonly Label[]>([]);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const [frame, setFrame] = useState<Frame | null>(null);
  const pressed = useRef<{ x: number; y: number } | null>(null);
  const view = useStore(explorer.view);

  useEffect(() => {
    const [around, element] = [box.current, canvas.current];
    if (around === null || element === null) return undefined;
    let made: Director;
    try {
      made = new Director(element, explorer, {
        drawn: (drawn) => {
          setFrame(drawn);
          setLabels(made.labels());
        },
        moved: () => {
          setHovered(null);
        },
        lost: (lost) => {
          onProblem(lost ? LOST : null);
        },
      });
    } catch {
      onProblem(NO_SCENE);
      return undefined;
    }
    director.current = made;
    const observer = new ResizeObserver(() => {
      made.resize(around.clientWidth, around.clientHeight, window.devicePixelRatio);
    });
    observer.observe(around);
    onDirector(made);
    return () => {
      observer.disconnect();
      director.current = null;
      onDirector(null);
      made.dispose();
    };
  }, [explorer]);
  useEffect(() => {
    director.current?.paint(scheme);
  }, [scheme, explorer]);
  useEffect(() => {
    director.current?.mark(hovered?.place ?? NONE, compared);
  }, [hovered, compared]);

  const at = (event: MouseEvent): { x: number; y: number } => {
    const around = box.current?.getBoundingClientRect();
    return { x: event.clientX - (around?.left ?? 0), y: event.clientY - (around?.top ?? 0) };
  };
  return (
    <div
      ref={box}
      class="scene"
      data-testid="scene"
      data-mode={view.mode}
      data-calls={frame?.calls}
      data-points={frame?.points}
      data-lines={frame?.lines}
      data-cpu-ms={frame?.ms.toFixed(2)}
    >
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="Commits in space: time goes to the right. The table below shows the same commits."
        data-testid="scene-canvas"
        onPointerDown={(event) => {
          pressed.current = at(event);
        }}
        onPointerMove={(event) => {
          if (event.buttons !== 0) return;
          const { x, y } = at(event);
          const place = director.current?.pick(x, y) ?? NONE;
          const path = place === NONE ? (director.current?.pickFile(x, y) ?? null) : null;
          setHovered(place === NONE && path === null ? null : { place, path, x, y });
        }}
        onPointerLeave={() => {
          setHovered(null);
        }}
        onClick={(event) => {
          const { x, y } = at(event);
          const from = pressed.current;
          if (from === null || Math.hypot(x - from.x, y - from.y) > CLICK_PX) return;
          const place = director.current?.pick(x, y) ?? NONE;
          const path = place === NONE ? (director.current?.pickFile(x, y) ?? null) : null;
          if (place !== NONE) explorer.select(place);
          else if (path !== null) explorer.change({ path });
        }}
      />
      <svg class="scene-labels" aria-hidden="true">
        {labels.map(({ text, commit, x, y }) => (
          <text key={commit} x={x - 8} y={y - 8} text-anchor="end" data-testid="scene-label">
            {visible(text)}
          </text>
        ))}
        {hovered !== null && <Tip explorer={explorer} hovered={hovered} />}
      </svg>
      {view.mode !== "heatmap" && <Minimap explorer={explorer} director={director} frame={frame} scheme={scheme} />}
      {stats && frame !== null && (
        <dl class="scene-stats figure" data-testid="stats" data-volatile>
          <dt>Draw calls</dt>
          <dd>{frame.calls}</dd>
          <dt>Points</dt>
          <dd>{whole(frame.points)}</dd>
          <dt>Lines</dt>
          <dd>{whole(frame.lines)}</dd>
          <dt>Processor, last frame</dt>
          <dd>{frame.ms.toFixed(2)} ms</dd>
        </dl>
      )}
    </div>
  );
}
