// SPDX-License-Identifier: Apache-2.0
import { act } from "preact/test-utils";
import { describe, expect, test } from "vitest";

import { withHost } from "../src/state/app";
import KernelView from "../src/views/kernel/KernelView";
import { snapshot } from "./fixture";
import { byId, draw, liveState, services as provide, textOf, within } from "./render";
import { device, kernelServices, observed, pool, REASONS } from "./services";

const MIB = 2 ** 20;

async function show(services: unknown, reasons: Readonly<Record<string, unknown>> = {}) {
  const provided = provide(liveState({ services, readings: { ...REASONS, ...reasons } }));
  const root = await draw(within(provided, <KernelView />));
  return { root, state: provided.state };
}

function because(reason: string) {
  return { source: "x", age_ms: 1, reason };
}

/** The value beside a label of a card. */
function field(root: ParentNode, label: string): string {
  const found = [...root.querySelectorAll(".field")].find((each) => each.querySelector("dt")?.textContent === label);
  if (found === undefined) throw new Error(`There is no field ${label}.`);
  return found.querySelector("dd")?.textContent.replace(/\s+/g, " ").trim() ?? "";
}

function pids(root: ParentNode): (string | null)[] {
  return [...byId(root, "owners").querySelectorAll("tbody th")].map((cell) => cell.textContent);
}

describe("the view", () => {
  test("has one heading and each card under a heading of its own", async () => {
    const { root } = await show(kernelServices());
    expect(root.querySelector("h1")?.textContent).toBe("Kernel services");
    expect(root.querySelectorAll("h1")).toHaveLength(1);
    for (const card of ["pool", "driven", "observed", "others"]) {
      const section = byId(root, `card-${card}`);
      const heading = document.getElementById(section.getAttribute("aria-labelledby") ?? "");
      expect(heading?.tagName).toBe("H2");
    }
  });

  test("follows what the host says", async () => {
    const { root, state } = await show(kernelServices());
    expect(textOf(root, "pool")).toContain("64.0 MiB allocated");
    await act(() => {
      const next = snapshot({ services: kernelServices({ memory: pool({ allocated_bytes: 8 * MIB }) }) });
      state.update((now) => withHost(now, next, Date.now(), 2));
    });
    expect(textOf(root, "pool")).toContain("8.00 MiB allocated");
  });

  test("says that it is stale when the host is not heard", async () => {
    const { root, state } = await show(kernelServices());
    expect(textOf(root, "kernel-view")).not.toContain("stale");
    await act(() => {
      state.update((now) => ({ ...now, link: { state: "reconnecting", since: Date.now(), retryAt: null } }));
    });
    expect(byId(root, "kernel-view").dataset["stale"]).toBe("true");
    expect(textOf(root, "kernel-view")).toContain("stale");
  });

  test("has no inline style, which the page's policy would drop", async () => {
    const { root } = await show(kernelServices());
    expect(root.querySelector("[style]")).toBeNull();
  });
});

describe("the memory pool", () => {
  test("is a bar that is told in words, and the same figures as text", async () => {
    const { root } = await show(kernelServices());
    const bar = byId(root, "pool").querySelector("[role=img]");
    expect(bar?.getAttribute("aria-label")).toBe("Memory pool: 64.0 MiB allocated, 128 MiB filled, 256 MiB in all");
    expect(bar?.querySelector(".pool-filled")?.getAttribute("width")).toBe("50.00%");
    expect(bar?.querySelector(".meter-fill")?.getAttribute("width")).toBe("25.00%");
    const words = textOf(root, "pool");
    for (const part of ["Allocated 64.0 MiB", "Filled 128 MiB", "Total 256 MiB"]) expect(words).toContain(part);
    const card = byId(root, "card-pool");
    expect(field(card, "Peak")).toBe("96.0 MiB");
    expect(field(card, "Orphaned")).toBe("0 B");
    expect(field(card, "Exports")).toBe("1 open dma-buf");
    expect(field(card, "Blocks")).toBe("65536 × 4.00 KiB");
  });

  test("is told for each NUMA node, one that has nothing given out too", async () => {
    const { root } = await show(kernelServices());
    const nodes = [...root.querySelectorAll(".pool-node")].map((node) => node.textContent.replace(/\s+/g, " "));
    expect(nodes).toEqual(["Node 0 64.0 MiB allocated of 96.0 MiB filled", "Node 1 0 B allocated of 32.0 MiB filled"]);
  });

  test("before its first use it holds nothing, and that is no fault", async () => {
    const memory = pool({
      allocated_bytes: 0,
      filled_bytes: 0,
      peak_bytes: 0,
      owner_count: 0,
      exports: 0,
      nodes: [],
      owners: [],
    });
    const { root } = await show(kernelServices({ memory }));
    const card = textOf(root, "card-pool");
    expect(card).toContain("0 B allocated");
    expect(card).toContain("Nobody holds memory of the pool.");
    expect(card).toContain("No node holds memory of the pool.");
    expect(card).not.toContain("unavailable");
    expect(root.querySelectorAll("[data-testid=owners]")).toHaveLength(0);
  });

  test("owners stand in the order of what they hold", async () => {
    const { root } = await show(kernelServices());
    expect(pids(root)).toEqual(["977", "4211"]);
    const rows = [...byId(root, "owners").querySelectorAll("tbody tr")].map((row) => row.textContent);
    expect(rows[0]).toBe("977100048.0 MiB/user.slice/large.scope");
  });

  test("of an owner, what the host cannot name is unavailable with its reason, and no zero", async () => {
    const owners = [
      { pid: 1, uid: 0, bytes: 4096, cgroup: "/a" },
      { pid: null, uid: null, bytes: 8192, cgroup: null },
    ];
    const { root } = await show(kernelServices({ memory: pool({ owners }) }), {
      "services.memory.owners.1.pid": because("it is in another PID namespace"),
      "services.memory.owners.1.uid": because("it is in another user namespace"),
      "services.memory.owners.1.cgroup": because("it has none"),
    });
    const [first] = byId(root, "owners").querySelectorAll("tbody tr");
    expect(first?.textContent).toBe(
      "unavailable (it is in another PID namespace)unavailable (it is in another user namespace)8.00 KiB" +
        "unavailable (it has none)",
    );
  });

  test("many owners are shown on demand", async () => {
    const owners = Array.from({ length: 14 }, (_, index) => ({
      pid: 100 + index,
      uid: 0,
      bytes: 4096 * (index + 1),
      cgroup: `/${index}`,
    }));
    const { root } = await show(kernelServices({ memory: pool({ owners, owner_count: 14 }) }));
    expect(pids(root)).toHaveLength(10);
    expect(pids(root)[0]).toBe("113");
    const button = byId(root, "owners-all");
    expect(button.tagName).toBe("BUTTON");
    expect(button.getAttribute("aria-expanded")).toBe("false");
    expect(button.textContent).toBe("Show all 14 owners");
    await act(() => {
      button.click();
    });
    expect(pids(root)).toHaveLength(14);
    expect(button.getAttribute("aria-expanded")).toBe("true");
  });

  test("owners that the host left out are counted", async () => {
    const { root } = await show(kernelServices({ memory: pool({ owner_count: 2000 }) }));
    expect(textOf(root, "card-pool")).toContain("1998 owners with less than these: not listed.");
    expect(textOf((await show(kernelServices())).root, "card-pool")).not.toContain("not listed");
  });

  test("what an older module does not tell is unavailable, and no bar is drawn from it", async () => {
    const memory = pool({ filled_bytes: null, peak_bytes: null, nodes: null, owners: null, owner_count: null });
    const { root } = await show(kernelServices({ memory }), {
      "services.memory.filled_bytes": because("this version of ai_mem does not tell it"),
    });
    expect(textOf(root, "pool")).toContain("Filled unavailable (this version of ai_mem does not tell it)");
    expect(byId(root, "card-pool").querySelectorAll("[role=img]")).toHaveLength(0);
    expect(root.textContent).not.toMatch(/null|undefined|NaN/);
  });

  test("more allocated than filled stays within the bar", async () => {
    const { root } = await show(kernelServices({ memory: pool({ filled_bytes: 999 * MIB }) }));
    expect(byId(root, "pool").querySelector(".pool-filled")?.getAttribute("width")).toBe("100.00%");
  });
});

describe("devices that the module drives", () => {
  test("tell what they completed, with units", async () => {
    const { root } = await show(kernelServices());
    const card = byId(root, "gpu-device-0");
    expect(card.querySelector(".device-name")?.textContent).toBe("GPU 0 active QEMU 1234:11e8");
    expect(field(card, "To the device")).toBe("3 transfers, 12.0 KiB");
    expect(field(card, "From the device")).toBe("1 transfer, 4.00 KiB");
    expect(field(card, "Launches")).toBe("2");
    expect(field(card, "Queued")).toBe("1 job");
    expect(field(card, "Bounced")).toBe("none");
    expect(field(card, "Mapped for DMA")).toBe("1.00 MiB");
    expect(field(card, "Timeouts")).toBe("0");
    expect(card.querySelector(".tag-degraded")).toBeNull();
  });

  test("copies, timeouts and resets are marked, in words", async () => {
    const gpu = { devices: [device({ bounced_bytes: 8192, timeouts: 2, resets: 1 })], observed: [] };
    const { root } = await show(kernelServices({ gpu }));
    expect(textOf(root, "gpu-bounced-0")).toBe("8.00 KiB copied by the kernel");
    const marked = [...byId(root, "gpu-device-0").querySelectorAll(".tag-degraded")].map((tag) => tag.textContent);
    expect(marked).toEqual(["copied by the kernel", "2", "1"]);
  });

  test("one that does not answer is not initialized", async () => {
    const gpu = { devices: [device({ active: false, number: null })], observed: [] };
    const { root } = await show(kernelServices({ gpu }));
    expect(textOf(root, "gpu-device-0")).toContain("Device not initialized");
  });

  test("several are told apart; none is a sentence", async () => {
    const gpu = { devices: [device(), device({ number: 2 })], observed: [] };
    expect(textOf((await show(kernelServices({ gpu }))).root, "gpu-device-1")).toContain("GPU 2");
    const { root } = await show(kernelServices({ gpu: { devices: [], observed: [] } }));
    expect(textOf(root, "card-driven")).toContain("drives no device");
    expect(textOf(root, "card-observed")).toContain("No other driver has a display controller");
  });
});

describe("functions that the module observes", () => {
  test("show their link against the maximum at both ends", async () => {
    const { root } = await show(kernelServices());
    const card = byId(root, "observed-0000:3b:00.0");
    expect(field(card, "Driver")).toBe("nvidia");
    expect(field(card, "Link")).toBe("16 GT/s ×8 of 32 GT/s ×1625 % of its maximum");
    expect(field(card, "Port above")).toBe("16 GT/s ×8 of 16 GT/s ×8");
    expect(field(card, "Corrected errors")).toBe("none");
    expect(field(card, "NUMA node")).toBe("0");
    expect(card.querySelector("[role=meter]")?.getAttribute("aria-label")).toBe("Link rate of its maximum");
  });

  test("a port is not marked for what its device cannot do, but for what both ends could", async () => {
    const small = {
      port_speed_max_gts: 32,
      port_width_max: 16,
      link_speed_max_gts: 16,
      link_width_max: 8,
    };
    const seen = async (changes: Readonly<Record<string, unknown>>) => {
      const { root } = await show(kernelServices({ gpu: { devices: [], observed: [observed(changes)] } }));
      return field(byId(root, "observed-0000:3b:00.0"), "Port above");
    };
    expect(await seen(small)).toBe("16 GT/s ×8 of 32 GT/s ×16");
    expect(await seen({ ...small, link_width_max: 16 })).toBe("16 GT/s ×8 of 32 GT/s ×1650 % of what both ends can do");
    // Nobody knows what the device can do.
    expect(await seen({ ...small, link_speed_max_gts: null })).toBe("16 GT/s ×8 of 32 GT/s ×16");
  });

  test("errors are their register's bits", async () => {
    const gpu = { devices: [], observed: [observed({ aer_correctable: 0x2001, aer_uncorrectable: 0x80000000 })] };
    const card = byId((await show(kernelServices({ gpu }))).root, "observed-0000:3b:00.0");
    expect(field(card, "Corrected errors")).toBe("0x00002001");
    expect(field(card, "Uncorrected errors")).toBe("0x80000000");
  });

  test("one that sleeps is not woken: its values are unavailable with the reason", async () => {
    const asleep = observed({
      driver: null,
      link_speed_gts: null,
      link_width: null,
      port_speed_gts: null,
      port_width: null,
      numa_node: null,
      power_state: "D3cold",
      aer_correctable: null,
      aer_uncorrectable: null,
    });
    const at = "services.gpu.observed.0000:3b:00.0";
    const { root } = await show(kernelServices({ gpu: { devices: [], observed: [asleep] } }), {
      [`${at}.driver`]: because("no driver is bound"),
      [`${at}.link_speed_gts`]: because("the function sleeps"),
    });
    const card = byId(root, "observed-0000:3b:00.0");
    expect(field(card, "Driver")).toBe("unavailable (no driver is bound)");
    expect(field(card, "Link")).toBe("unavailable (the function sleeps)");
    expect(field(card, "Power state")).toBe("D3cold");
    expect(card.querySelectorAll("[role=meter]")).toHaveLength(0);
  });
});

describe("a host without the modules", () => {
  const NONE = { scheduler: null, memory: null, gpu: null, tracing: null };
  const READINGS = {
    "services.memory": because("the module ai_mem is not installed"),
    "services.gpu": because("the module ai_gpu is not installed"),
  };

  test("says why each is unavailable, once, and invents no figure", async () => {
    const { root } = await show(NONE, READINGS);
    expect(textOf(root, "pool-missing")).toBe("ai_mem unavailable (the module ai_mem is not installed)");
    expect(textOf(root, "gpu-missing")).toBe("ai_gpu unavailable (the module ai_gpu is not installed)");
    expect(textOf(root, "service-scheduler")).toBe("unavailable (the scheduler is not installed)");
    expect(textOf(root, "service-tracing")).toBe("unavailable (this version has no tracing)");
    expect(root.querySelector("[data-testid=card-observed]")).toBeNull();
    expect(root.textContent).not.toMatch(/\d (B|KiB|MiB|GT\/s)/);
    expect(root.querySelectorAll("[role=meter], [role=img]")).toHaveLength(0);
  });

  test("that should have them is told so in words, with what to do", async () => {
    const checks = [
      { name: "ai-mem", state: "degraded", message: "The module ai_mem is not loaded.", hint: "sudo modprobe ai_mem" },
      { name: "ai-gpu", state: "skipped", message: "The module ai_gpu is not installed." },
    ];
    const readings = { "services.memory": because("the module ai_mem is installed and not loaded") };
    const state = liveState({ services: NONE, readings, verdict: { state: "degraded", checks } });
    const root = await draw(within(provide(state), <KernelView />));
    const missing = byId(root, "pool-missing");
    expect(missing.dataset["check"]).toBe("degraded");
    expect(textOf(root, "pool-missing")).toBe(
      "ai_mem degraded unavailable (the module ai_mem is installed and not loaded)sudo modprobe ai_mem",
    );
    expect(byId(root, "gpu-missing").dataset["check"]).toBe("skipped");
    expect(textOf(root, "gpu-missing")).not.toContain("skipped");
  });

  test("of an agent that does not know them yet is told as such", async () => {
    const { root } = await show(null);
    expect(textOf(root, "card-pool")).toContain("unavailable");
    expect(textOf(root, "card-driven")).toContain("unavailable");
  });
});

describe("what arrives", () => {
  test("is checked before anything shows it", () => {
    expect(() => snapshot({ services: kernelServices({ memory: pool({ pool_bytes: "256 MB" }) }) })).toThrow();
    expect(() => snapshot({ services: kernelServices({ memory: pool({ filled_bytes: Infinity }) }) })).toThrow();
    expect(() => snapshot({ services: kernelServices({ gpu: { observed: [] } }) })).toThrow();
    expect(snapshot({ services: kernelServices() }).services?.memory?.blocks).toBe(65_536);
  });

  test("may be of an agent without them, or with more than this page knows", () => {
    expect(snapshot({}).services).toBeNull();
    const memory = { ...(pool() as object), fragmentation: 0.5 };
    expect(snapshot({ services: kernelServices({ memory }) }).services?.memory?.exports).toBe(1);
  });
});

describe("hostile strings", () => {
  test("stay text", async () => {
    const markup = "<img src=x onerror=alert(1)>";
    const memory = pool({ owners: [{ pid: 1, uid: 0, bytes: 1, cgroup: `/a\u202e${markup}` }] });
    const gpu = { devices: [], observed: [observed({ driver: markup, power_state: markup })] };
    const { root } = await show(kernelServices({ memory, gpu }));
    expect(root.querySelector("img")).toBeNull();
    expect(textOf(root, "owners")).toContain(`/a\\u{202e}${markup}`);
    expect(root.textContent).not.toContain("\u202e");
  });
});
