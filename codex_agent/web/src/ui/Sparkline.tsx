// SPDX-License-Identifier: Apache-2.0
import { percent } from "../format/quantity";
import { duration } from "../format/time";

export interface Point {
  /** Milliseconds. */
  readonly at: number;
  /** Percent, 0 to 100; null where it could not be read. */
  readonly value: number | null;
}

const WIDTH = 300;
const HEIGHT = 56;
/** The newest sample sits inside, so that its line is not cut in half. */
const PAD = 2;
const SHORTEST_SPAN_MS = 60_000;
const SCALES = [10, 25, 50, 100] as const;

/** The smallest scale that holds all values: noise of a tenth of a percent must not look like a storm. */
export function scaleFor(values: readonly (number | null)[]): number {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  return SCALES.find((scale) => most <= scale) ?? 100;
}

interface Frame {
  readonly from: number;
  readonly span: number;
  readonly scale: number;
}

function place({ at, value }: { at: number; value: number }, frame: Frame): string {
  const x = ((at - frame.from) / frame.span) * WIDTH;
  const y = HEIGHT - PAD - (Math.min(value, frame.scale) / frame.scale) * (HEIGHT - 2 * PAD);
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** Runs of samples without a hole: a hole is an unread value, or more than `gapMs` between two samples. */
export function runs(points: readonly Point[], gapMs: number): { at: number; value: number }[][] {
  const found: { at: number; value: number }[][] = [];
  let before: number | null = null;
  for (const { at, value } of points) {
    if (value === null) {
      before = null;
      continue;
    }
    const run = before !== null && at - before <= gapMs ? found.at(-1) : undefined;
    if (run === undefined) found.push([{ at, value }]);
    else run.push({ at, value });
    before = at;
  }
  return found;
}

function line(points: readonly Point[], frame: Frame, gapMs: number): string {
  return runs(points, gapMs)
    .map((run) => {
      const places = run.map((point) => place(point, frame));
      // One sample alone is a dot: a line of no length with round ends.
      return places.length === 1 ? `M${places.join("")}h0` : `M${places.join("L")}`;
    })
    .join("");
}

function area(points: readonly Point[], frame: Frame, gapMs: number): string {
  return runs(points, gapMs)
    .filter((run) => run.length > 1)
    .map((run) => {
      const x = (at: number): string => (((at - frame.from) / frame.span) * WIDTH).toFixed(1);
      const first = x(run[0]?.at ?? 0);
      const last = x(run.at(-1)?.at ?? 0);
      return `M${first} ${HEIGHT}L${run.map((point) => place(point, frame)).join("L")}L${last} ${HEIGHT}Z`;
    })
    .join("");
}

interface SparklineProps {
  readonly label: string;
  readonly some: readonly Point[];
  readonly full: readonly Point[];
  /** A longer pause than this between two samples is drawn as a hole. */
  readonly gapMs: number;
}

/** Pressure over the last minutes: `some` as a filled area, `full` as a dashed line. */
export function Sparkline({ label, some, full, gapMs }: SparklineProps) {
  const last = some.at(-1)?.at ?? 0;
  const span = Math.max(SHORTEST_SPAN_MS, last - (some[0]?.at ?? last));
  const values = [...some, ...full].map((point) => point.value);
  const frame = { from: last - span, span, scale: scaleFor(values) };
  const read = some.flatMap((point) => point.value ?? []);
  const summary =
    read.length === 0
      ? "no values"
      : `${percent(Math.min(...read))} to ${percent(Math.max(...read))}, now ${percent(read.at(-1) ?? 0)}`;
  const period = duration(span / 1000);
  return (
    <figure class="spark" data-volatile>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}, last ${period}: ${summary}`}
      >
        <path class="spark-grid" d={`M0 ${PAD}H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - PAD}H${WIDTH}`} />
        <path class="spark-area" d={area(some, frame, gapMs)} />
        <path class="spark-some" d={line(some, frame, gapMs)} />
        <path class="spark-full" d={line(full, frame, gapMs)} />
      </svg>
      <figcaption aria-hidden="true">
        <span>{period} ago</span>
        <span>scale 0 to {frame.scale} %</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
