// SPDX-License-Identifier: Apache-2.0

const MIB = 2 ** 20;

type Change = Readonly<Record<string, unknown>>;

/** The figures of ai_mem as the agent sends them. */
export function pool(change: Change = {}): unknown {
  return {
    pool_bytes: 256 * MIB,
    block_bytes: 4096,
    blocks: 65_536,
    allocated_bytes: 64 * MIB,
    filled_bytes: 128 * MIB,
    peak_bytes: 96 * MIB,
    orphaned_bytes: 0,
    owner_count: 2,
    exports: 1,
    nodes: [
      { node: 0, filled_bytes: 96 * MIB, allocated_bytes: 64 * MIB },
      { node: 1, filled_bytes: 32 * MIB, allocated_bytes: 0 },
    ],
    owners: [
      { pid: 4211, uid: 0, bytes: 16 * MIB, cgroup: "/system.slice/small.service" },
      { pid: 977, uid: 1000, bytes: 48 * MIB, cgroup: "/user.slice/large.scope" },
    ],
    ...change,
  };
}

/** A device that ai_gpu drives. */
export function device(change: Change = {}): unknown {
  return {
    number: 0,
    active: true,
    vendor_id: "1234",
    device_id: "11e8",
    mapped_bytes: MIB,
    transfers_to: 3,
    transfers_from: 1,
    bytes_to: 12_288,
    bytes_from: 4096,
    launches: 2,
    interrupts: 6,
    bounced_bytes: 0,
    timeouts: 0,
    resets: 0,
    queued: 1,
    ...change,
  };
}

/** A function that another driver has. */
export function observed(change: Change = {}): unknown {
  return {
    address: "0000:3b:00.0",
    vendor_id: "10de",
    device_id: "2330",
    driver: "nvidia",
    link_speed_gts: 16,
    link_width: 8,
    link_speed_max_gts: 32,
    link_width_max: 16,
    port_speed_gts: 16,
    port_width: 8,
    port_speed_max_gts: 16,
    port_width_max: 8,
    numa_node: 0,
    power_state: "D0",
    aer_correctable: 0,
    aer_uncorrectable: 0,
    ...change,
  };
}

/** All kernel services; those without figures have their reasons in `REASONS`. */
export function kernelServices(change: Change = {}): unknown {
  return {
    scheduler: null,
    memory: pool(),
    gpu: { devices: [device()], observed: [observed()] },
    tracing: null,
    ...change,
  };
}

export const REASONS = {
  "services.scheduler": { source: "/proc/ai_scheduler", age_ms: 3, reason: "the scheduler is not installed" },
  "services.memory": { source: "/proc/ai_memory", age_ms: 3, reason: null },
  "services.gpu": { source: "/proc/ai_gpu", age_ms: 3, reason: null },
  "services.tracing": { source: "the agent", age_ms: 3, reason: "this version has no tracing" },
};
