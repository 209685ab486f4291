// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import HostView from "../src/views/host/HostView";
import { byId, draw, liveState, pass, services, textOf, within } from "./render";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T09:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

async function show(change: Readonly<Record<string, unknown>> = {}) {
  const provided = services(liveState(change));
  const root = await draw(within(provided, <HostView />));
  return { root, state: provided.state };
}

const CARDS = ["trust", "checks", "load", "storage", "devices", "machine"];

describe("a sealed host", () => {
  test("shows who it is and how it is", async () => {
    const { root } = await show();
    expect(textOf(root, "hostname")).toBe("codex");
    expect(textOf(root, "image-version")).toBe("0.1.57");
    expect(textOf(root, "verity-state")).toBe("active");
    expect(textOf(root, "secure-boot")).toBe("on");
    expect(textOf(root, "root-hash")).toContain("9b3f".repeat(16));
    expect(byId(root, "verdict").dataset["verdict"]).toBe("healthy");
    expect(textOf(root, "verdict")).toContain("1 of 2 checks passed, 1 skipped.");
  });

  test("has each card once, under a heading of its own", async () => {
    const { root } = await show();
    for (const card of CARDS) {
      const section = byId(root, `card-${card}`);
      const heading = document.getElementById(section.getAttribute("aria-labelledby") ?? "");
      expect(heading?.tagName).toBe("H2");
      expect(section.contains(heading)).toBe(true);
    }
    expect(root.querySelectorAll("h1")).toHaveLength(1);
  });

  test("Secure Boot that is off is off, and one that cannot be read is neither", async () => {
    expect(textOf((await show({ secure_boot: false })).root, "secure-boot")).toBe("off");
    const readings = { secure_boot: { source: "efivar", age_ms: 1, reason: "no EFI firmware" } };
    expect(textOf((await show({ secure_boot: null, readings })).root, "secure-boot")).toBe(
      "unavailable (no EFI firmware)",
    );
  });

  test("the uptime goes on by itself while live, and stands still when the host is not heard", async () => {
    const { root, state } = await show();
    expect(textOf(root, "uptime")).toBe("1 min 05 s");
    await pass(10_000);
    expect(textOf(root, "uptime")).toBe("1 min 15 s");
    await act(() => {
      state.update((now) => ({ ...now, link: { state: "reconnecting", since: Date.now(), retryAt: null } }));
    });
    await pass(10_000);
    expect(textOf(root, "uptime")).toBe("1 min 05 s");
    expect(root.querySelector(".host")?.getAttribute("data-stale")).toBe("true");
    expect(textOf(root, "verdict")).toContain("stale");
  });

  test("what needs a person stands first, with its hint", async () => {
    const checks = [
      { name: "one", state: "ok", message: "Fine." },
      { name: "two", state: "degraded", message: "Slow.", hint: "Run `codex status`." },
      { name: "three", state: "failed", message: "Broken." },
    ];
    const { root } = await show({ verdict: { state: "failed", checks } });
    const order = [...root.querySelectorAll("[data-check]")].map((item) => item.getAttribute("data-testid"));
    expect(order).toEqual(["check-three", "check-two", "check-one"]);
    expect(textOf(root, "verdict")).toContain("Broken.");
    expect(byId(root, "check-two").querySelector("code")?.textContent).toBe("codex status");
  });
});

describe("what could not be read", () => {
  const NOTHING = {
    hostname: null,
    delivery: null,
    image: null,
    slot: null,
    verity: null,
    secure_boot: null,
    lockdown: null,
    kernel: null,
    firmware: null,
    machine: null,
    uptime_s: null,
    boot_id: null,
    cpu: null,
    memory: null,
    io: null,
    disks: null,
    filesystems: null,
    pci: null,
    units: null,
    verdict: { state: "unknown", checks: [] },
    readings: {},
  };

  test("is called unavailable everywhere, and no figure is invented", async () => {
    const { root } = await show(NOTHING);
    for (const id of [
      "image-version",
      "verity-state",
      "secure-boot",
      "lockdown",
      "slot",
      "taint",
      "uptime",
      "root-hash",
    ]) {
      expect(textOf(root, id)).toContain("unavailable");
    }
    for (const card of CARDS) expect(textOf(root, `card-${card}`)).toContain("unavailable");
    const text = root.textContent;
    expect(text).not.toMatch(/null|undefined|NaN/);
    expect(text).not.toMatch(/\d (GiB|B|%|GT\/s)/);
    expect(root.querySelectorAll("[role=meter]")).toHaveLength(0);
  });

  test("says why, taking the nearest reason", async () => {
    const readings = {
      verity: { source: "x", age_ms: 1, reason: "the root is not under dm-verity" },
      "verity.signed": { source: "x", age_ms: 1, reason: "no signature" },
    };
    const { root } = await show({ verity: null, readings });
    expect(textOf(root, "verity-state")).toBe("unavailable (the root is not under dm-verity)");
    expect(textOf(root, "root-signed")).toBe("unavailable (no signature)");
  });

  test("parts that are missing do not hide the parts that are there", async () => {
    const memory = {
      total_bytes: null,
      available_bytes: 1024,
      pressure: { some: { avg10: 3, avg60: null, avg300: 1 }, full: null },
    };
    const { root } = await show({ memory });
    const card = textOf(root, "card-load");
    expect(card).toContain("3.00 %");
    expect(card).toContain("unavailable");
  });
});

describe("devices", () => {
  const GPU = {
    address: "0000:3b:00.0",
    vendor_id: "10de",
    device_id: "2330",
    class: "030200",
    kind: "accelerator",
    driver: null,
    link_speed_gts: 16,
    link_speed_max_gts: 32,
    link_width: 8,
    link_width_max: 16,
    numa_node: 0,
    power_state: "D0",
  };

  test("none is a sentence", async () => {
    const { root } = await show({ pci: [] });
    expect(textOf(root, "card-devices")).toContain("no PCI display controller and no accelerator");
  });

  test("a narrow link is told in words and figures; node 0 is a node", async () => {
    const readings = { "pci.0000:3b:00.0.driver": { source: "driver", age_ms: 1, reason: "no driver is bound" } };
    const { root } = await show({ pci: [GPU], readings });
    const card = textOf(root, "card-devices");
    expect(card).toContain("NVIDIA 10de:2330");
    expect(card).toContain("16 GT/s ×8 of 32 GT/s ×16");
    expect(card).toContain("25 % of its maximum");
    expect(card).toContain("unavailable (no driver is bound)");
    expect(card).toContain("NUMA node0");
  });

  test("many take the whole width", async () => {
    const pci = [0, 1, 2].map((index) => ({ ...GPU, address: `0000:3b:00.${index}` }));
    const { root } = await show({ pci });
    expect(byId(root, "card-devices").classList).toContain("card-wide");
  });
});

describe("sources", () => {
  test("stand behind a disclosure, with an age that grows", async () => {
    const { root } = await show();
    const details = byId(root, "card-trust").querySelector("details");
    if (details === null) throw new Error("The card has no disclosure.");
    expect(details.querySelector("table")).toBeNull();
    await act(() => {
      details.open = true;
      details.dispatchEvent(new Event("toggle"));
    });
    const row = details.querySelector("tbody tr");
    expect(row?.textContent).toContain("/run/codex/verity-status");
    expect(row?.lastElementChild?.textContent).toBe("12 s");
    await pass(5000);
    expect(row?.lastElementChild?.textContent).toBe("17 s");
  });
});

describe("hostile strings", () => {
  const MARKUP = "<img src=x onerror=alert(1)>";
  const SCRIPT = "</dd><script>alert(2)</script>";

  test("stay text wherever they come in", async () => {
    const { root } = await show({
      hostname: MARKUP,
      image: { id: SCRIPT, version: MARKUP, flavour: MARKUP, commit: SCRIPT },
      slot: MARKUP,
      lockdown: SCRIPT,
      boot_id: MARKUP,
      kernel: { release: MARKUP, version: SCRIPT, taint: 0, modules_signed_enforced: null },
      machine: { vendor: MARKUP, product: SCRIPT, virtualization: MARKUP },
      disks: [{ name: MARKUP, model: SCRIPT, size_bytes: 1, rotational: null, read_only: null }],
      filesystems: [
        { mount: MARKUP, source: SCRIPT, type: MARKUP, read_only: false, total_bytes: 2, available_bytes: 1 },
      ],
      units: { failed: [MARKUP, SCRIPT] },
      verdict: { state: "failed", checks: [{ name: MARKUP, state: "failed", message: SCRIPT, hint: MARKUP }] },
      readings: { "verity.state": { source: SCRIPT, age_ms: 1, reason: MARKUP } },
    });
    expect(root.querySelector("img, script")).toBeNull();
    expect(textOf(root, "hostname")).toBe(MARKUP);
    expect(textOf(root, "card-machine")).toContain(SCRIPT);
  });

  test("cannot turn the text around or hide in it", async () => {
    const { root } = await show({ hostname: "host\u202e\u0007" });
    expect(textOf(root, "hostname")).toBe("host\\u{202e}\\u{7}");
    expect(root.querySelector("h1 bdi")).not.toBeNull();
  });

  test("no element of the view has an inline style, which the page's policy would drop", async () => {
    const { root } = await show();
    expect(root.querySelector("[style]")).toBeNull();
  });
});
