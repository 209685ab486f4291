// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";

import { useServices } from "../../shell/services";
import { isStale } from "../../state/app";
import { useStore } from "../../state/store";
import { ProvenanceContext } from "../../ui/readings";
import { ChecksCard } from "./ChecksCard";
import { DevicesCard } from "./DevicesCard";
import "./host.css";
import { LoadCard } from "./LoadCard";
import { MachineCard } from "./MachineCard";
import { Overview } from "./Overview";
import { StorageCard } from "./StorageCard";
import { TrustCard } from "./TrustCard";

/** The host's present state. Shown only once there is one. */
export default function HostView() {
  const state = useStore(useServices().state);
  const { held } = state;
  const provenance = useMemo(
    () => ({ readings: held?.host.readings ?? {}, receivedAt: held?.receivedAt ?? 0 }),
    [held],
  );
  if (held === null) return null;
  const { host } = held;
  const stale = isStale(state);
  return (
    <ProvenanceContext.Provider value={provenance}>
      <div class={stale ? "host stale" : "host"} data-stale={stale}>
        <Overview state={state} held={held} />
        <div class="card-grid">
          <TrustCard host={host} />
          <ChecksCard host={host} />
          <LoadCard host={host} history={state.history} intervalMs={state.intervalMs} />
          <StorageCard host={host} />
          <DevicesCard host={host} />
          <MachineCard held={held} ticking={!stale} />
        </div>
      </div>
    </ProvenanceContext.Provider>
  );
}
