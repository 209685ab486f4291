// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import type { Reading } from "../api/host";
import { counted } from "../format/text";
import { age } from "../format/time";
import { useNow } from "./clock";
import { HostText } from "./Field";
import { readingsBelow, useProvenance } from "./readings";

interface RowsProps {
  readonly rows: readonly (readonly [path: string, reading: Reading])[];
  readonly receivedAt: number;
}

function Rows({ rows, receivedAt }: RowsProps) {
  const since = Math.max(0, useNow() - receivedAt);
  return (
    <div class="sources-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Value</th>
            <th scope="col">Read from</th>
            <th scope="col">Age</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([path, reading]) => (
            <tr key={path}>
              <th scope="row">
                <HostText text={path} mono />
              </th>
              <td>
                <HostText text={reading.source} mono />
                {reading.reason !== null && (
                  <span class="reason">
                    {" "}
                    (<HostText text={reading.reason} />)
                  </span>
                )}
              </td>
              <td class="figure" data-volatile>
                {reading.age_ms === null ? "unavailable" : age(reading.age_ms + since)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface SourcesProps {
  /** What the card shows, as paths of the snapshot. */
  readonly paths: readonly string[];
  /** The card's title, for those who hear the page. */
  readonly of: string;
}

/** Where a card's values come from and how old each is: opens by mouse, touch or keyboard. */
export function Sources({ paths, of }: SourcesProps) {
  const { readings, receivedAt } = useProvenance();
  const [open, setOpen] = useState(false);
  const rows = readingsBelow(readings, paths);
  if (rows.length === 0) return null;
  return (
    <details
      class="sources"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>
        Sources and ages <span class="hidden">of {of}</span>{" "}
        <span class="sources-count">{counted(rows.length, "reading")}</span>
      </summary>
      {open && <Rows rows={rows} receivedAt={receivedAt} />}
    </details>
  );
}
