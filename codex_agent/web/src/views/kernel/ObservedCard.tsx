// SPDX-License-Identifier: Apache-2.0
import type { KernelServices, ObservedFunction } from "../../api/services";
import { functionName } from "../../format/pci";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { Field, HostText } from "../../ui/Field";
import { linkRate } from "../../ui/LinkRate";

const PATH = "services.gpu.observed";

/** A status register of Advanced Error Reporting: `none`, or its bits. */
function errors(register: number | null) {
  if (register === null) return null;
  if (register === 0) return "none";
  return <span class="tag tag-degraded">{`0x${register.toString(16).padStart(8, "0")}`}</span>;
}

function Observed({ seen }: { readonly seen: ObservedFunction }) {
  const path = `${PATH}.${seen.address}`;
  return (
    <li class="device" data-testid={`observed-${seen.address}`}>
      <p class="device-name">
        <strong>
          <HostText text={functionName(seen.vendor_id, seen.device_id)} />
        </strong>{" "}
        <HostText text={seen.address} mono />
      </p>
      <dl class="fields fields-columns">
        <Field label="Driver" path={`${path}.driver`}>
          {seen.driver === null ? null : <HostText text={seen.driver} mono />}
        </Field>
        <Field label="Power state" path={`${path}.power_state`}>
          {seen.power_state === null ? null : <HostText text={seen.power_state} mono />}
        </Field>
        <Field label="Link" path={`${path}.link_speed_gts`}>
          {linkRate({
            speed: seen.link_speed_gts,
            width: seen.link_width,
            speedMax: seen.link_speed_max_gts,
            widthMax: seen.link_width_max,
          })}
        </Field>
        <Field label="Port above" path={`${path}.port_speed_gts`}>
          {linkRate({
            speed: seen.port_speed_gts,
            width: seen.port_width,
            speedMax: seen.port_speed_max_gts,
            widthMax: seen.port_width_max,
            otherEnd: { speedMax: seen.link_speed_max_gts, widthMax: seen.link_width_max },
            of: "Port",
          })}
        </Field>
        <Field label="Corrected errors" path={`${path}.aer_correctable`}>
          {errors(seen.aer_correctable)}
        </Field>
        <Field label="Uncorrected errors" path={`${path}.aer_uncorrectable`}>
          {errors(seen.aer_uncorrectable)}
        </Field>
        <Field label="NUMA node" path={`${path}.numa_node`}>
          {seen.numa_node}
        </Field>
      </dl>
    </li>
  );
}

/** Display controllers and accelerators that ai_gpu leaves alone and only looks at. */
export function ObservedCard({ gpu }: { readonly gpu: KernelServices["gpu"] }) {
  // Without the module the card above says why; saying it twice tells nothing more.
  if (gpu === null) return null;
  return (
    <Card id="observed" title="Functions observed" note={counted(gpu.observed.length, "PCI function")} paths={[]} wide>
      {gpu.observed.length === 0 ? (
        <p class="empty">No other driver has a display controller or an accelerator on this host.</p>
      ) : (
        <ul class="devices">
          {gpu.observed.map((seen) => (
            <Observed key={seen.address} seen={seen} />
          ))}
        </ul>
      )}
    </Card>
  );
}
