// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { HostSnapshot } from "../src/api/host";

const GIB = 2 ** 30;

/** A sealed host in QEMU as the agent sends it; `change` overrides its top-level keys. */
export function sent(change: Readonly<Record<string, unknown>> = {}): unknown {
  const pressure = {
    some: { avg10: 1.5, avg60: 0.8, avg300: 0.2 },
    full: { avg10: 0.25, avg60: 0, avg300: 0 },
  };
  return {
    schema: 1,
    taken_at: "2026-11-22T09:00:00Z",
    hostname: "codex",
    delivery: "image",
    image: {
      id: "codex-os",
      version: "0.1.57",
      flavour: "general",
      commit: "4f1c9e02b7a8d5536e0f9b1c2d3e4f5061728394",
    },
    slot: "A",
    verity: { state: "active", root_hash: "9b3f".repeat(16), signed: null },
    secure_boot: true,
    lockdown: "integrity",
    kernel: { release: "7.3.4+deb13-amd64", version: "#1 SMP", taint: 0, modules_signed_enforced: true },
    firmware: { vendor: "EDK II", version: "2025.02" },
    machine: { vendor: "QEMU", product: "Q35", virtualization: "qemu" },
    uptime_s: 65.2,
    boot_id: "0b9d2f6e-3c41-4c7f-9d0e-7a0d8d1f5b23",
    cpu: { count: 2, load: [0.42, 0.31, 0.2], pressure },
    memory: { total_bytes: 2 * GIB, available_bytes: 1.5 * GIB, pressure },
    io: { pressure },
    disks: [{ name: "vda", model: null, size_bytes: 8 * GIB, rotational: true, read_only: false }],
    filesystems: [
      { mount: "/", source: "/dev/mapper/root", type: "erofs", read_only: true, total_bytes: GIB, available_bytes: 0 },
      {
        mount: "/var",
        source: "/dev/vda8",
        type: "ext4",
        read_only: false,
        total_bytes: 4 * GIB,
        available_bytes: 3 * GIB,
      },
    ],
    pci: [
      {
        address: "0000:00:01.0",
        vendor_id: "1234",
        device_id: "1111",
        class: "030000",
        kind: "display",
        driver: "bochs-drm",
        link_speed_gts: null,
        link_speed_max_gts: null,
        link_width: null,
        link_width_max: null,
        numa_node: null,
        power_state: "D0",
      },
    ],
    units: { failed: [] },
    verdict: {
      state: "healthy",
      checks: [
        { name: "root-verity", state: "ok", message: "The root is intact.", hint: null },
        { name: "gpu", state: "skipped", message: "This host has no GPU.", hint: null },
      ],
    },
    readings: {
      "verity.state": { source: "/run/codex/verity-status", age_ms: 12_000, reason: null },
      "verity.signed": { source: "/proc/keys", age_ms: 5, reason: "the kernel does not say" },
      "disks.vda.model": { source: "/sys/block/vda/device/model", age_ms: 6, reason: "virtio disks have no model" },
      pci: { source: "/sys/bus/pci/devices", age_ms: 5, reason: null },
      "pci.0000:00:01.0.link_speed_gts": { source: "current_link_speed", age_ms: 5, reason: "no PCI Express function" },
    },
    ...change,
  };
}

/** The same, as the page holds it. */
export function snapshot(change: Readonly<Record<string, unknown>> = {}): HostSnapshot {
  return v.parse(HostSnapshot, sent(change));
}
