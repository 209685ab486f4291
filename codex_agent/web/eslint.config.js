// SPDX-License-Identifier: Apache-2.0
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const noMarkupFromData =
  "Text reaches the page as text nodes only; markup made from data would run what a device or a file name says.";
const nothingStored = "Only shell/theme.ts keeps something in the browser, and never a secret.";

const markup = [
  ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property, message: noMarkupFromData })),
  { object: "document", property: "write", message: noMarkupFromData },
];
const stores = ["localStorage", "sessionStorage", "indexedDB"];

export default defineConfig(
  { ignores: ["dist/"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "max-lines": ["error", 400],
      eqeqeq: "error",
      "no-restricted-properties": ["error", ...markup],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: noMarkupFromData },
        {
          selector: "JSXAttribute[name.name='style']",
          message: "Use a class or an SVG attribute: the page's policy forbids inline styles.",
        },
      ],
    },
  },
  {
    files: ["src/**"],
    ignores: ["src/shell/theme.ts"],
    rules: {
      "no-restricted-globals": ["error", ...stores.map((name) => ({ name, message: nothingStored }))],
      "no-restricted-properties": [
        "error",
        ...markup,
        ...stores.map((property) => ({ property, message: nothingStored })),
      ],
    },
  },
  { files: ["eslint.config.js"], extends: [tseslint.configs.disableTypeChecked] },
);
