// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), "utf8");
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly resolved?: string }>>;
}

describe("dependencies", () => {
  test("are pinned exactly", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Manifest;
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("are locked by hash, and no registry is written into the lock", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as Lock;
    const locked = Object.entries(packages).filter(([name]) => name !== "");
    expect(locked.length).toBeGreaterThan(50);
    for (const [name, { integrity, resolved }] of locked) {
      expect(integrity, name).toMatch(/^sha512-/);
      expect(resolved, name).toBeUndefined();
    }
  });
});

describe("sources", () => {
  const files = ["src", "tests"].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(tsx?|css|svg)$/.test(name))
      .map((name) => path.join(folder, name)),
  );

  test.each(files)("%s begins with its licence and ends before line 400", (name) => {
    const lines = read(name).split("\n");
    expect(lines[0]).toContain("SPDX-License-Identifier: Apache-2.0");
    expect(lines.length).toBeLessThanOrEqual(400);
  });

  test("the document has no inline script or style", () => {
    const html = read("index.html");
    expect(html).not.toMatch(/<style|style=|\son\w+=/);
    expect([...html.matchAll(/<script\b[^>]*>([^<]*)/g)].every(([, body]) => body === "")).toBe(true);
  });
});
