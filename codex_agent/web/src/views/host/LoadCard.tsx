// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import type { Averages, HostSnapshot, Pressure } from "../../api/host";
import { bytes, load, percent, wholePercent } from "../../format/quantity";
import { counted } from "../../format/text";
import type { PressurePoint, Sample } from "../../state/history";
import { Card } from "../../ui/Card";
import { Unavailable } from "../../ui/Field";
import { Meter } from "../../ui/Meter";
import { Sparkline } from "../../ui/Sparkline";

/** A sample may come late by this many intervals before the line is broken. */
const GAP_INTERVALS = 4;

type Resource = "cpu" | "memory" | "io";

const WINDOWS = [
  ["avg10", "10 s"],
  ["avg60", "1 min"],
  ["avg300", "5 min"],
] as const;

function AveragesRow({
  name,
  averages,
  path,
}: {
  readonly name: string;
  readonly averages: Averages | null;
  readonly path: string;
}) {
  return (
    <tr>
      <th scope="row">
        <span class={`legend legend-${name}`} aria-hidden="true" />
        {name}
      </th>
      {averages === null ? (
        <td colSpan={WINDOWS.length}>
          <Unavailable path={path} />
        </td>
      ) : (
        WINDOWS.map(([key]) => {
          const value = averages[key];
          return (
            <td key={key} class="figure">
              {value === null ? "unavailable" : percent(value)}
            </td>
          );
        })
      )}
    </tr>
  );
}

interface PressureBlockProps {
  readonly resource: Resource;
  readonly name: string;
  readonly pressure: Pressure | null;
  readonly history: readonly Sample[];
  readonly gapMs: number;
}

/** Share of time in which tasks waited for the resource: now, over minutes, and drawn. */
function PressureBlock({ resource, name, pressure, history, gapMs }: PressureBlockProps) {
  const path = `${resource}.pressure`;
  if (pressure === null) {
    return (
      <p class="load-missing">
        Pressure: <Unavailable path={path} />
      </p>
    );
  }
  const series = (key: keyof PressurePoint) =>
    history.map((sample) => ({ at: sample.at, value: sample[resource][key] }));
  return (
    <>
      <Sparkline label={`${name} pressure`} some={series("some")} full={series("full")} gapMs={gapMs} />
      <table class="averages">
        <caption class="hidden">{name} pressure, share of time in which some or all tasks waited</caption>
        <thead>
          <tr>
            <th scope="col">waiting</th>
            {WINDOWS.map(([key, label]) => (
              <th key={key} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody data-volatile>
          <AveragesRow name="some" averages={pressure.some} path={`${path}.some`} />
          <AveragesRow name="full" averages={pressure.full} path={`${path}.full`} />
        </tbody>
      </table>
    </>
  );
}

function Panel({
  title,
  figure,
  detail,
  children,
}: {
  readonly title: string;
  readonly figure: ComponentChildren;
  readonly detail: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="load-panel">
      <div class="load-head">
        <h3>{title}</h3>
        <p class="big-figure" data-volatile>
          {figure}
        </p>
        <p class="load-detail" data-volatile>
          {detail}
        </p>
      </div>
      {children}
    </div>
  );
}

function cpuWords(cpu: HostSnapshot["cpu"]): { figure: ComponentChildren; detail: ComponentChildren } {
  const [one, five, fifteen] = cpu?.load ?? [];
  if (one === undefined || five === undefined || fifteen === undefined) {
    return { figure: <Unavailable path="cpu.load" />, detail: null };
  }
  const count = cpu?.count ?? null;
  const of = count === null ? <Unavailable path="cpu.count" /> : counted(count, "CPU");
  return {
    figure: (
      <>
        {load(one)} <span class="unit">load</span>
      </>
    ),
    detail: (
      <>
        {load(five)} and {load(fifteen)} over 5 and 15 min, {of}
      </>
    ),
  };
}

function memoryWords(memory: HostSnapshot["memory"]): {
  figure: ComponentChildren;
  detail: ComponentChildren;
  used: number | null;
} {
  const total = memory?.total_bytes ?? null;
  const available = memory?.available_bytes ?? null;
  if (total === null || available === null) {
    return {
      figure: <Unavailable path={total === null ? "memory.total_bytes" : "memory.available_bytes"} />,
      detail: null,
      used: null,
    };
  }
  const used = wholePercent(total - available, total);
  return {
    figure: (
      <>
        {bytes(total - available)} <span class="unit">used</span>
      </>
    ),
    detail: `${bytes(available)} available of ${bytes(total)}`,
    used,
  };
}

interface LoadCardProps {
  readonly host: HostSnapshot;
  readonly history: readonly Sample[];
  readonly intervalMs: number;
}

export function LoadCard({ host, history, intervalMs }: LoadCardProps) {
  const gapMs = intervalMs * GAP_INTERVALS;
  const cpu = cpuWords(host.cpu);
  const memory = memoryWords(host.memory);
  const ioNow = host.io?.pressure?.some?.avg10 ?? null;
  return (
    <Card id="load" title="Load" note="Pressure: share of time in which tasks waited" paths={["cpu", "memory", "io"]}>
      <div class="load">
        <Panel title="CPU" {...cpu}>
          <PressureBlock
            resource="cpu"
            name="CPU"
            pressure={host.cpu?.pressure ?? null}
            history={history}
            gapMs={gapMs}
          />
        </Panel>
        <Panel title="Memory" figure={memory.figure} detail={memory.detail}>
          {memory.used !== null && <Meter percent={memory.used} label="Memory used" />}
          <PressureBlock
            resource="memory"
            name="Memory"
            pressure={host.memory?.pressure ?? null}
            history={history}
            gapMs={gapMs}
          />
        </Panel>
        <Panel
          title="Input and output"
          figure={
            ioNow === null ? (
              <Unavailable path="io.pressure.some" />
            ) : (
              <>
                {percent(ioNow)} <span class="unit">waiting</span>
              </>
            )
          }
          detail={ioNow === null ? null : "some tasks, over the last 10 s"}
        >
          <PressureBlock
            resource="io"
            name="Input and output"
            pressure={host.io?.pressure ?? null}
            history={history}
            gapMs={gapMs}
          />
        </Panel>
      </div>
    </Card>
  );
}
