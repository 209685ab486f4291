// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";

import { useServices } from "../../shell/services";
import { isStale } from "../../state/app";
import { useStore } from "../../state/store";
import { HostText } from "../../ui/Field";
import { ProvenanceContext } from "../../ui/readings";
import { DrivenCard } from "./DrivenCard";
import "./kernel.css";
import { ObservedCard } from "./ObservedCard";
import { OthersCard } from "./OthersCard";
import { PoolCard } from "./PoolCard";

/** What the host's own kernel modules do now. Shown only once there is a state. */
export default function KernelView() {
  const state = useStore(useServices().state);
  const { held } = state;
  const provenance = useMemo(
    () => ({ readings: held?.host.readings ?? {}, receivedAt: held?.receivedAt ?? 0 }),
    [held],
  );
  if (held === null) return null;
  const { services, hostname, kernel, verdict } = held.host;
  const judged = (name: string) => verdict.checks.find((check) => check.name === name);
  const release = kernel?.release ?? null;
  const stale = isStale(state);
  return (
    <ProvenanceContext.Provider value={provenance}>
      <div class={stale ? "kernel stale" : "kernel"} data-stale={stale} data-testid="kernel-view">
        <div class="kernel-head">
          <h1>Kernel services</h1>
          <p class="quiet">
            {hostname === null ? "unnamed host" : <HostText text={hostname} />}
            {release !== null && (
              <>
                , <HostText text={release} mono />
              </>
            )}
            {stale && <span class="tag">stale</span>}
          </p>
        </div>
        <div class="card-grid">
          <PoolCard pool={services?.memory ?? null} check={judged("ai-mem")} />
          <DrivenCard gpu={services?.gpu ?? null} check={judged("ai-gpu")} />
          <ObservedCard gpu={services?.gpu ?? null} />
          <OthersCard />
        </div>
      </div>
    </ProvenanceContext.Provider>
  );
}
