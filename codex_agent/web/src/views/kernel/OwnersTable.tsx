// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import type { PoolOwner } from "../../api/services";
import { bytes } from "../../format/quantity";
import { counted } from "../../format/text";
import { HostText, Unavailable } from "../../ui/Field";

/** As many as a person looks through; the rest is shown on demand. */
const FIRST = 10;

interface Placed extends PoolOwner {
  /** Its place in what the host sent: the name of its readings. */
  readonly place: number;
}

/** The largest first; equal ones in the order of the host. */
function bySize(owners: readonly PoolOwner[]): readonly Placed[] {
  return owners
    .map((owner, place) => ({ ...owner, place }))
    .sort((a, b) => (b.bytes ?? -1) - (a.bytes ?? -1) || a.place - b.place);
}

function OwnerRow({ owner, path }: { readonly owner: Placed; readonly path: string }) {
  const at = (name: string) => `${path}.${owner.place}.${name}`;
  return (
    <tr>
      <th scope="row" class="figure">
        {owner.pid ?? <Unavailable path={at("pid")} />}
      </th>
      <td class="figure">{owner.uid ?? <Unavailable path={at("uid")} />}</td>
      <td class="figure">{owner.bytes === null ? <Unavailable path={at("bytes")} /> : bytes(owner.bytes)}</td>
      <td class="owner-cgroup">
        {owner.cgroup === null ? <Unavailable path={at("cgroup")} /> : <HostText text={owner.cgroup} mono />}
      </td>
    </tr>
  );
}

interface OwnersTableProps {
  readonly owners: readonly PoolOwner[] | null;
  /** How many there are in all: the host sends the largest. */
  readonly count: number | null;
  /** Where the owners stand in the snapshot. */
  readonly path: string;
}

/** Who holds memory of the pool. */
export function OwnersTable({ owners, count, path }: OwnersTableProps) {
  const [all, setAll] = useState(false);
  const sorted = owners === null ? [] : bySize(owners);
  const more = count === null ? 0 : count - sorted.length;
  const shown = all ? sorted : sorted.slice(0, FIRST);
  return (
    <div class="owners">
      <h3 id="owners-title">Owners</h3>
      {owners === null ? (
        <p>
          <Unavailable path={path} />
        </p>
      ) : owners.length === 0 ? (
        <p class="quiet">Nobody holds memory of the pool.</p>
      ) : (
        <table class="table owners-table" aria-labelledby="owners-title" data-testid="owners">
          <thead>
            <tr>
              <th scope="col" class="figure">
                PID
              </th>
              <th scope="col" class="figure">
                User id
              </th>
              <th scope="col" class="figure">
                Memory
              </th>
              <th scope="col" class="owner-cgroup">
                Control group
              </th>
            </tr>
          </thead>
          <tbody data-volatile>
            {shown.map((owner) => (
              <OwnerRow key={owner.place} owner={owner} path={path} />
            ))}
          </tbody>
        </table>
      )}
      {sorted.length > FIRST && (
        <button
          type="button"
          class="button"
          aria-expanded={all}
          data-testid="owners-all"
          onClick={() => {
            setAll(!all);
          }}
        >
          {all ? `Show the ${FIRST} largest` : `Show ${more > 0 ? "the" : "all"} ${counted(sorted.length, "owner")}`}
        </button>
      )}
      {owners !== null && more > 0 && <p class="quiet">{counted(more, "owner")} with less than these: not listed.</p>}
    </div>
  );
}
