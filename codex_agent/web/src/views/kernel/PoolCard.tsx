// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import type { Check } from "../../api/host";
import type { PoolFigures, PoolNode } from "../../api/services";
import { bytes } from "../../format/quantity";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { Field, Unavailable } from "../../ui/Field";
import { Missing } from "./Missing";
import { OwnersTable } from "./OwnersTable";
import { PoolBar } from "./PoolBar";

const PATH = "services.memory";

function Amount({ value, path }: { readonly value: number | null; readonly path: string }) {
  return value === null ? <Unavailable path={path} /> : <span class="figure">{bytes(value)}</span>;
}

/** A length of the bar: its mark, its name and its figure. */
function Part({
  mark,
  name,
  children,
}: {
  readonly mark: string;
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="pool-part">
      <dt>
        <span class={`pool-mark pool-mark-${mark}`} aria-hidden="true" />
        {name}
      </dt>{" "}
      <dd data-volatile>{children}</dd>
    </div>
  );
}

function Pool({ pool }: { readonly pool: PoolFigures }) {
  const { pool_bytes: total, filled_bytes: filled, allocated_bytes: allocated } = pool;
  const path = (name: string) => `${PATH}.${name}`;
  return (
    <div class="pool" data-testid="pool">
      <p class="big-figure" data-volatile>
        {allocated === null ? (
          <Unavailable path={path("allocated_bytes")} />
        ) : (
          <>
            {bytes(allocated)} <span class="unit">allocated</span>
          </>
        )}
      </p>
      {total !== null && filled !== null && allocated !== null && (
        <PoolBar label="Memory pool" allocated={allocated} filled={filled} total={total} of="in all" />
      )}
      <dl class="pool-parts">
        <Part mark="allocated" name="Allocated">
          <Amount value={allocated} path={path("allocated_bytes")} />
        </Part>
        <Part mark="filled" name="Filled">
          <Amount value={filled} path={path("filled_bytes")} />
        </Part>
        <Part mark="total" name="Total">
          <Amount value={total} path={path("pool_bytes")} />
        </Part>
      </dl>
    </div>
  );
}

function NodeRow({ node }: { readonly node: PoolNode }) {
  const { node: number, filled_bytes: filled, allocated_bytes: allocated } = node;
  const path = `${PATH}.nodes.${number}`;
  return (
    <li class="pool-node">
      <p class="pool-node-line">
        <strong>Node {number}</strong>{" "}
        <span data-volatile>
          <Amount value={allocated} path={path} /> allocated of <Amount value={filled} path={path} /> filled
        </span>
      </p>
      {filled !== null && allocated !== null && (
        <PoolBar label={`Node ${number}`} allocated={allocated} filled={filled} total={filled} of="on this node" />
      )}
    </li>
  );
}

function Nodes({ nodes }: { readonly nodes: PoolFigures["nodes"] }) {
  return (
    <div class="pool-nodes">
      <h3>NUMA nodes</h3>
      {nodes === null ? (
        <p>
          <Unavailable path={`${PATH}.nodes`} />
        </p>
      ) : nodes.length === 0 ? (
        <p class="quiet">No node holds memory of the pool.</p>
      ) : (
        <ul class="pool-node-list">
          {nodes.map((node) => (
            <NodeRow key={node.node} node={node} />
          ))}
        </ul>
      )}
    </div>
  );
}

/** Block size and number: `65536 × 4.00 KiB`. */
function blocksOf({ blocks, block_bytes: each }: PoolFigures): string | null {
  return blocks === null || each === null ? null : `${blocks} × ${bytes(each)}`;
}

/** The pool of ai_mem: how much of it is in use, on which node, and by whom. */
export function PoolCard({ pool, check }: { readonly pool: PoolFigures | null; readonly check: Check | undefined }) {
  const owners = pool?.owner_count ?? null;
  const note = owners === null ? undefined : counted(owners, "owner");
  return (
    <Card id="pool" title="Memory pool" note={note} paths={[PATH]} wide>
      {pool === null ? (
        <Missing module="ai_mem" path={PATH} check={check} testId="pool-missing" />
      ) : (
        <>
          <div class="pool-columns">
            <Pool pool={pool} />
            <Nodes nodes={pool.nodes} />
            <dl class="fields">
              <Field label="Peak" path={`${PATH}.peak_bytes`} volatile>
                {pool.peak_bytes === null ? null : bytes(pool.peak_bytes)}
              </Field>
              <Field label="Orphaned" path={`${PATH}.orphaned_bytes`} testId="pool-orphaned" volatile>
                {pool.orphaned_bytes === null ? null : bytes(pool.orphaned_bytes)}
              </Field>
              <Field label="Exports" path={`${PATH}.exports`} volatile>
                {pool.exports === null ? null : counted(pool.exports, "open dma-buf")}
              </Field>
              <Field label="Blocks" path={`${PATH}.blocks`}>
                {blocksOf(pool)}
              </Field>
            </dl>
          </div>
          <OwnersTable owners={pool.owners} count={owners} path={`${PATH}.owners`} />
        </>
      )}
    </Card>
  );
}
