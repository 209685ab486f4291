// SPDX-License-Identifier: Apache-2.0
import { useMemo, useRef, useState } from "preact/hooks";

import { useStore } from "../../../state/store";
import { day, dateTime, whole } from "../format";
import { shareOf, type Axis } from "../layout/axis";
import type { Explorer } from "../state/explorer";
import { histogramOf } from "./histogram";
import type { Player } from "./player";
import { ticksOf } from "./ticks";
import { movedTo, shifted, SPEEDS, type End, type Window } from "./window";

const BINS = 240;
const HEIGHT = 100;
const KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -0.01,
  ArrowDown: -0.01,
  ArrowRight: 0.01,
  ArrowUp: 0.01,
  PageDown: -0.1,
  PageUp: 0.1,
};
const NAMES: Readonly<Record<End, string>> = { from: "Shown from", until: "Shown until" };

/** Columns as one path, so that hundreds of them are one element. */
export function columnsPath(counts: Uint32Array, most: number): string {
  const wide = 1000 / counts.length;
  return Array.from(counts, (count, bin) => {
    if (count === 0) return "";
    // Square roots, as one busy day would flatten all others.
    const high = Math.max(3, Math.sqrt(count / most) * HEIGHT);
    return `M${(bin * wide).toFixed(1)} ${HEIGHT}v${(-high).toFixed(1)}h${(wide * 0.8).toFixed(1)}V${HEIGHT}z`;
  }).join("");
}

interface HandleProps {
  readonly end: End;
  readonly window: Window;
  readonly axis: Axis;
  readonly onWindow: (window: Window) => void;
}

function Handle({ end, window, axis, onWindow }: HandleProps) {
  const at = window[end] ?? axis[end];
  const share = shareOf(axis, at);
  const x = `${(share * 100).toFixed(3)}%`;
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = KEYS[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? 1 : step === undefined ? null : share + step;
    if (to === null) return;
    event.preventDefault();
    // The page's own arrow keys move the end of time as well.
    event.stopPropagation();
    onWindow(movedTo(window, axis, end, to));
  };
  return (
    <svg
      class={`time-handle time-handle-${end}`}
      x={x}
      overflow="visible"
      role="slider"
      tabIndex={0}
      aria-label={NAMES[end]}
      aria-valuemin={Math.floor(axis.from)}
      aria-valuemax={Math.ceil(axis.until)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={dateTime(at)}
      data-testid={`time-${end}`}
      onKeyDown={onKeyDown}
    >
      <line y1="0" y2="100%" />
      <rect x="-5" y="35%" width="10" height="30%" rx="3" />
    </svg>
  );
}

type Grip = { readonly end: End } | { readonly grabbed: number; readonly window: Window };

/** Commits over time, the window that is shown with both of its ends, and what lets time pass. */
export function TimeBar({ explorer, player }: { readonly explorer: Explorer; readonly player: Player }) {
  const content = useStore(explorer.content);
  const shown = useStore(explorer.shown);
  const window = useStore(explorer.window);
  const playing = useStore(player.playing);
  const speed = useStore(player.speed);
  const track = useRef<SVGSVGElement>(null);
  const [grip, setGrip] = useState<Grip | null>(null);
  const bars = useMemo(() => {
    if (content === null || shown === null) return null;
    return histogramOf(content.layout.order.times, shown.before, content.layout.axis, BINS);
  }, [content, shown]);
  if (content === null || bars === null || content.graph.count === 0) return null;
  const { axis } = content.layout;
  const [low, high] = [shareOf(axis, window.from ?? axis.from), shareOf(axis, window.until ?? axis.until)];

  const count = explorer.count();

  const shareAt = (event: PointerEvent): number => {
    const box = track.current?.getBoundingClientRect();
    return box === undefined || box.width === 0 ? 0 : (event.clientX - box.left) / box.width;
  };
  const set = (next: Window): void => {
    explorer.window.set(next);
  };
  const drag = (held: Grip, share: number): void => {
    if ("end" in held) set(movedTo(explorer.window.get(), axis, held.end, share));
    else set(shifted(held.window, axis, (share - held.grabbed) * (axis.until - axis.from)));
  };
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    player.pause();
    const share = shareAt(event);
    const near = 8 / (track.current?.getBoundingClientRect().width ?? 1);
    const everything = window.from === null && window.until === null;
    // The inside of a part of time moves it; everything else moves the nearer end.
    const inside = share > low + near && share < high - near && !everything;
    const end: End = Math.abs(share - low) < Math.abs(share - high) ? "from" : "until";
    const held: Grip = inside ? { grabbed: share, window } : { end };
    track.current?.setPointerCapture(event.pointerId);
    setGrip(held);
    drag(held, share);
  };
  return (
    <section class="time" aria-label="Time" data-testid="time" data-shown={count}>
      <button
        type="button"
        class="button"
        data-testid="play"
        aria-pressed={playing}
        onClick={() => {
          player.toggle();
        }}
      >
        {playing ? "Pause" : "Play"}
      </button>
      <label class="time-speed">
        <span class="hidden">Speed</span>
        <select
          data-testid="speed"
          value={speed.toString()}
          onChange={(event) => {
            player.speed.set(Number(event.currentTarget.value));
          }}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={each.toString()}>
              {each}×
            </option>
          ))}
        </select>
      </label>
      <div class="time-track">
        <svg
          ref={track}
          class="time-svg"
          onPointerDown={onPointerDown}
          onPointerMove={(event) => {
            if (grip !== null) drag(grip, shareAt(event));
          }}
          onPointerUp={() => {
            setGrip(null);
          }}
          onPointerCancel={() => {
            setGrip(null);
          }}
        >
          <svg class="time-bars" viewBox={`0 0 1000 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
            <path class="time-all" d={columnsPath(bars.all, bars.most)} />
            <path class="time-shown" d={columnsPath(bars.shown, bars.most)} data-testid="histogram" />
          </svg>
          <rect class="time-out" x="0" width={`${low * 100}%`} height="100%" />
          <rect class="time-out" x={`${high * 100}%`} width={`${(1 - high) * 100}%`} height="100%" />
          <Handle end="from" window={window} axis={axis} onWindow={set} />
          <Handle end="until" window={window} axis={axis} onWindow={set} />
        </svg>
        <svg class="time-ticks" aria-hidden="true">
          {ticksOf(axis, 8)
            // A text that begins at the end would leave the bar.
            .filter(({ at }) => shareOf(axis, at) < 0.92)
            .map(({ at, text }) => (
              <text key={at} x={`${shareOf(axis, at) * 100}%`} y="11">
                {text}
              </text>
            ))}
        </svg>
      </div>
      <p class="time-now figure" data-testid="time-now" data-volatile>
        {day(window.from ?? axis.from)} to {day(window.until ?? axis.until)}
        <span class="quiet"> {whole(count)} shown</span>
      </p>
    </section>
  );
}
