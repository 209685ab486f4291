// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { figure, list, maybe, text } from "./parts";

const PoolNode = v.object({ node: v.number(), filled_bytes: figure, allocated_bytes: figure });

/** An open file of the pool that holds memory; the process may be one that the agent cannot name. */
const PoolOwner = v.object({ pid: figure, uid: figure, bytes: figure, cgroup: text });

const PoolFigures = v.object({
  pool_bytes: figure,
  block_bytes: figure,
  blocks: figure,
  allocated_bytes: figure,
  filled_bytes: figure,
  peak_bytes: figure,
  orphaned_bytes: figure,
  owner_count: figure,
  exports: figure,
  nodes: list(PoolNode),
  owners: list(PoolOwner),
});

/** A device that ai_gpu drives; counters are of what the device completed since it was bound. */
const GpuDevice = v.object({
  number: figure,
  active: maybe(v.boolean()),
  vendor_id: text,
  device_id: text,
  mapped_bytes: figure,
  transfers_to: figure,
  transfers_from: figure,
  bytes_to: figure,
  bytes_from: figure,
  launches: figure,
  interrupts: figure,
  bounced_bytes: figure,
  timeouts: figure,
  resets: figure,
  queued: figure,
});

/** A function that another driver, or none, has: only looked at. AER registers are bit masks. */
const ObservedFunction = v.object({
  address: v.string(),
  vendor_id: text,
  device_id: text,
  driver: text,
  link_speed_gts: figure,
  link_width: figure,
  link_speed_max_gts: figure,
  link_width_max: figure,
  port_speed_gts: figure,
  port_width: figure,
  port_speed_max_gts: figure,
  port_width_max: figure,
  numa_node: figure,
  power_state: text,
  aer_correctable: figure,
  aer_uncorrectable: figure,
});

const GpuFigures = v.object({ devices: v.array(GpuDevice), observed: v.array(ObservedFunction) });

/** What the kernel modules say; null where one is not there, and always for those that this host cannot have yet. */
export const KernelServices = v.object({
  scheduler: v.optional(v.null(), null),
  memory: maybe(PoolFigures),
  gpu: maybe(GpuFigures),
  tracing: v.optional(v.null(), null),
});

export type KernelServices = v.InferOutput<typeof KernelServices>;
export type PoolFigures = v.InferOutput<typeof PoolFigures>;
export type PoolNode = v.InferOutput<typeof PoolNode>;
export type PoolOwner = v.InferOutput<typeof PoolOwner>;
export type GpuDevice = v.InferOutput<typeof GpuDevice>;
export type ObservedFunction = v.InferOutput<typeof ObservedFunction>;
