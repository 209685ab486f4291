// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Vite drops the attribute from the entry's tag; without it a remembered theme shows only after the first paint. */
const themeBeforeFirstPaint: Plugin = {
  name: "theme-before-first-paint",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(html) {
      const tag = '<script type="module"';
      if (!html.includes(tag)) throw new Error(`The built page has no ${tag}>.`);
      return html.replace(tag, `${tag} blocking="render"`);
    },
  },
};

export default defineConfig({
  plugins: [themeBeforeFirstPaint],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    sourcemap: false,
    // Every browser of the target loads module preloads by itself.
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // On a machine that is busy otherwise; no test waits for time to pass.
    testTimeout: 60_000,
  },
});
