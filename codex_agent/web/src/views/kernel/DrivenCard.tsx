// SPDX-License-Identifier: Apache-2.0
import type { Check } from "../../api/host";
import type { GpuDevice, KernelServices } from "../../api/services";
import { functionName } from "../../format/pci";
import { bytes } from "../../format/quantity";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { Field, HostText, Unavailable } from "../../ui/Field";
import { Missing } from "./Missing";

const PATH = "services.gpu";

function Status({ active, path }: { readonly active: boolean | null; readonly path: string }) {
  if (active === null) return <Unavailable path={path} />;
  return <span class={active ? "tag" : "tag tag-degraded"}>{active ? "active" : "not initialized"}</span>;
}

/** `3 transfers, 12.0 KiB`: what the device completed in one direction; null where either could not be read. */
function transfers(count: number | null, amount: number | null): string | null {
  return count === null || amount === null ? null : `${counted(count, "transfer")}, ${bytes(amount)}`;
}

/** Bytes that the kernel copied because the device could not reach them: none is what is wanted. */
function bounced(amount: number | null) {
  if (amount === null) return null;
  if (amount === 0) return "none";
  return (
    <>
      {bytes(amount)} <span class="tag tag-degraded">copied by the kernel</span>
    </>
  );
}

/** A count of what should not happen: marked once it did. */
function mishaps(count: number | null) {
  if (count === null || count === 0) return count;
  return <span class="tag tag-degraded">{count}</span>;
}

function Device({ device, place }: { readonly device: GpuDevice; readonly place: number }) {
  const path = `${PATH}.devices.${place}`;
  return (
    <li class="device" data-testid={`gpu-device-${place}`}>
      <p class="device-name">
        <strong>{device.number === null ? "Device" : `GPU ${device.number}`}</strong>{" "}
        <Status active={device.active} path={`${path}.active`} />{" "}
        <HostText text={functionName(device.vendor_id, device.device_id)} />
      </p>
      <dl class="fields fields-columns">
        <Field label="To the device" path={`${path}.transfers_to`} volatile>
          {transfers(device.transfers_to, device.bytes_to)}
        </Field>
        <Field label="From the device" path={`${path}.transfers_from`} volatile>
          {transfers(device.transfers_from, device.bytes_from)}
        </Field>
        <Field label="Launches" path={`${path}.launches`} volatile>
          {device.launches}
        </Field>
        <Field label="Queued" path={`${path}.queued`} volatile>
          {device.queued === null ? null : counted(device.queued, "job")}
        </Field>
        <Field label="Bounced" path={`${path}.bounced_bytes`} testId={`gpu-bounced-${place}`} volatile>
          {bounced(device.bounced_bytes)}
        </Field>
        <Field label="Mapped for DMA" path={`${path}.mapped_bytes`} volatile>
          {device.mapped_bytes === null ? null : bytes(device.mapped_bytes)}
        </Field>
        <Field label="Interrupts" path={`${path}.interrupts`} volatile>
          {device.interrupts}
        </Field>
        <Field label="Timeouts" path={`${path}.timeouts`} volatile>
          {mishaps(device.timeouts)}
        </Field>
        <Field label="Resets" path={`${path}.resets`} volatile>
          {mishaps(device.resets)}
        </Field>
      </dl>
    </li>
  );
}

/** The devices that ai_gpu drives itself, with what they completed. */
export function DrivenCard({ gpu, check }: { readonly gpu: KernelServices["gpu"]; readonly check: Check | undefined }) {
  const note = gpu === null ? undefined : counted(gpu.devices.length, "device");
  return (
    <Card id="driven" title="Devices driven" note={note} paths={[PATH]} wide>
      {gpu === null ? (
        <Missing module="ai_gpu" path={PATH} check={check} testId="gpu-missing" />
      ) : gpu.devices.length === 0 ? (
        <p class="empty">The module ai_gpu is loaded and drives no device.</p>
      ) : (
        <ul class="devices">
          {gpu.devices.map((device, place) => (
            <Device key={device.number ?? `place-${place}`} device={device} place={place} />
          ))}
        </ul>
      )}
    </Card>
  );
}
