// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";

import { useServices } from "../../shell/services";
import { isStale } from "../../state/app";
import { useStore } from "../../state/store";
import { HostText, Unavailable } from "../../ui/Field";
import { ProvenanceContext } from "../../ui/readings";
import { ActionsCard } from "./ActionsCard";
import { BootCard } from "./BootCard";
import { NOT_SAID, type Facts } from "./facts";
import { OfferCard } from "./OfferCard";
import { StateCard } from "./StateCard";
import "./updates.css";
import { VersionsCard } from "./VersionsCard";

/** Versions and slots, what is offered, what is under way, and what can be asked for. */
export default function UpdatesView() {
  const state = useStore(useServices().state);
  const { held, updates } = state;
  const provenance = useMemo(() => {
    const data = updates?.data ?? null;
    const writtenAt = data?.known?.monotonic_s ?? null;
    const reading = {
      source: data?.source ?? "the host",
      age_ms: data === null || writtenAt === null ? null : Math.max(0, (data.monotonic_s - writtenAt) * 1000),
      reason: data === null ? NOT_SAID : data.reason,
    };
    return {
      readings: { ...held?.host.readings, updates: reading },
      receivedAt: updates?.receivedAt ?? held?.receivedAt ?? 0,
    };
  }, [held, updates]);
  if (held === null) return null;
  const { host } = held;
  const running = host.image?.version ?? null;
  const stale = isStale(state);
  const facts: Facts = { host, updates: updates?.data ?? null, stale };
  return (
    <ProvenanceContext.Provider value={provenance}>
      <div class={stale ? "updates stale" : "updates"} data-stale={stale} data-testid="updates-view">
        <div class="updates-head">
          <h1>Updates</h1>
          <p class="quiet">
            {running === null ? (
              <Unavailable path="image" />
            ) : (
              <>
                <HostText text={running} /> runs
                {host.slot !== null && ` from slot ${host.slot}`}
              </>
            )}
            {stale && <span class="tag">stale</span>}
          </p>
        </div>
        <div class="card-grid">
          <StateCard facts={facts} />
          <ActionsCard facts={facts} />
          <VersionsCard facts={facts} />
          <BootCard host={host} />
          <OfferCard facts={facts} />
        </div>
      </div>
    </ProvenanceContext.Provider>
  );
}
