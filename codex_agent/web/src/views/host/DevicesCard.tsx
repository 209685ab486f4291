// SPDX-License-Identifier: Apache-2.0
import type { HostSnapshot, PciFunction } from "../../api/host";
import { functionName } from "../../format/pci";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { Field, HostText } from "../../ui/Field";
import { linkRate } from "../../ui/LinkRate";

function Device({ device }: { readonly device: PciFunction }) {
  const path = `pci.${device.address}`;
  return (
    <li class="device">
      <p class="device-name">
        <strong>
          <HostText text={functionName(device.vendor_id, device.device_id)} />
        </strong>
        <span class="tag">{device.kind}</span>
        <HostText text={device.address} mono />
      </p>
      <dl class="fields">
        <Field label="Driver" path={`${path}.driver`}>
          {device.driver === null ? null : <HostText text={device.driver} mono />}
        </Field>
        <Field label="Link" path={`${path}.link_speed_gts`}>
          {linkRate({
            speed: device.link_speed_gts,
            width: device.link_width,
            speedMax: device.link_speed_max_gts,
            widthMax: device.link_width_max,
          })}
        </Field>
        <Field label="NUMA node" path={`${path}.numa_node`}>
          {device.numa_node}
        </Field>
        <Field label="Power state" path={`${path}.power_state`}>
          {device.power_state === null ? null : <HostText text={device.power_state} mono />}
        </Field>
      </dl>
    </li>
  );
}

/** As many functions as fit beside the storage card; more of them get the whole width. */
const BESIDE = 2;

export function DevicesCard({ host }: { readonly host: HostSnapshot }) {
  const { pci } = host;
  const many = pci !== null && pci.length > BESIDE;
  const note = pci === null ? undefined : counted(pci.length, "PCI function");
  return (
    <Card id="devices" title="Devices" note={note} paths={["pci"]} wide={many}>
      {pci === null ? (
        <dl class="fields">
          <Field label="PCI functions" path="pci">
            {null}
          </Field>
        </dl>
      ) : pci.length === 0 ? (
        <p class="empty">This host has no PCI display controller and no accelerator.</p>
      ) : (
        <ul class="devices">
          {pci.map((device) => (
            <Device key={device.address} device={device} />
          ))}
        </ul>
      )}
    </Card>
  );
}
