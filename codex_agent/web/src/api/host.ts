// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { get } from "./http";
import { figure, flag, list, maybe, text } from "./parts";
import { KernelServices } from "./services";

const Averages = v.object({ avg10: figure, avg60: figure, avg300: figure });
/** Shares of time, in percent, in which some or all tasks waited for the resource (PSI). */
const Pressure = v.object({ some: maybe(Averages), full: maybe(Averages) });

export const CHECK_STATES = ["ok", "degraded", "failed", "unknown", "skipped"] as const;
export const VERDICT_STATES = ["healthy", "degraded", "failed", "unknown"] as const;

const Check = v.object({
  name: v.string(),
  state: v.picklist(CHECK_STATES),
  message: v.string(),
  hint: text,
  /** Where it fails, or is not known, a boot is not a good one. */
  gates: flag,
  /** The same for a version that was not found good before. */
  on_trial: flag,
});

/** A version that was started here and whose last boot was not a good one. */
const GivenUp = v.object({
  version: v.string(),
  boots: v.number(),
  last_at: v.string(),
  outcome: v.picklist(["failed", "unknown", "no-verdict"]),
  reasons: v.array(v.object({ check: v.string(), message: v.string() })),
});

const Disk = v.object({
  name: v.string(),
  model: text,
  size_bytes: figure,
  rotational: flag,
  read_only: flag,
});

const Filesystem = v.object({
  mount: v.string(),
  source: text,
  type: text,
  read_only: flag,
  total_bytes: figure,
  available_bytes: figure,
});

const PciFunction = v.object({
  address: v.string(),
  vendor_id: text,
  device_id: text,
  class: text,
  kind: v.picklist(["display", "accelerator"]),
  driver: text,
  link_speed_gts: figure,
  link_speed_max_gts: figure,
  link_width: figure,
  link_width_max: figure,
  numa_node: figure,
  power_state: text,
});

const Reading = v.object({ source: v.string(), age_ms: figure, reason: text });

/** One consistent state of the host, schema 1. */
export const HostSnapshot = v.object({
  schema: v.literal(1),
  taken_at: v.string(),
  hostname: text,
  delivery: maybe(v.picklist(["image", "host"])),
  image: maybe(v.object({ id: text, version: text, flavour: text, commit: text })),
  slot: text,
  verity: maybe(
    v.object({
      state: maybe(v.picklist(["active", "corrupted", "inactive"])),
      root_hash: text,
      signed: flag,
    }),
  ),
  secure_boot: flag,
  lockdown: text,
  kernel: maybe(v.object({ release: text, version: text, taint: figure, modules_signed_enforced: flag })),
  firmware: maybe(v.object({ vendor: text, version: text })),
  machine: maybe(v.object({ vendor: text, product: text, virtualization: text })),
  uptime_s: figure,
  boot_id: text,
  cpu: maybe(v.object({ count: figure, load: list(v.number()), pressure: maybe(Pressure) })),
  memory: maybe(v.object({ total_bytes: figure, available_bytes: figure, pressure: maybe(Pressure) })),
  io: maybe(v.object({ pressure: maybe(Pressure) })),
  disks: list(Disk),
  filesystems: list(Filesystem),
  pci: list(PciFunction),
  services: maybe(KernelServices),
  units: maybe(v.object({ failed: list(v.string()) })),
  given_up: list(GivenUp),
  verdict: v.object({ state: v.picklist(VERDICT_STATES), checks: v.array(Check) }),
  readings: v.record(v.string(), Reading),
});

export type HostSnapshot = v.InferOutput<typeof HostSnapshot>;
export type Check = v.InferOutput<typeof Check>;
export type GivenUp = v.InferOutput<typeof GivenUp>;
export type CheckState = Check["state"];
export type VerdictState = HostSnapshot["verdict"]["state"];
export type Pressure = v.InferOutput<typeof Pressure>;
export type Averages = v.InferOutput<typeof Averages>;
export type Disk = v.InferOutput<typeof Disk>;
export type Filesystem = v.InferOutput<typeof Filesystem>;
export type PciFunction = v.InferOutput<typeof PciFunction>;
export type Reading = v.InferOutput<typeof Reading>;

/** The host's state as it is sampled now. Throws Problem. */
export async function readHost(): Promise<HostSnapshot> {
  return get("/api/host", HostSnapshot);
}
