// SPDX-License-Identifier: Apache-2.0

/** Kernel taint bits, in order: letter and meaning (kernel documentation, admin-guide/tainted-kernels). */
const FLAGS: readonly (readonly [letter: string, meaning: string])[] = [
  ["P", "proprietary module"],
  ["F", "module was forced to load"],
  ["S", "out-of-specification system"],
  ["R", "module was forced to unload"],
  ["M", "machine check occurred"],
  ["B", "bad page"],
  ["U", "set by user space"],
  ["D", "kernel died recently"],
  ["A", "ACPI table overridden"],
  ["W", "kernel warning occurred"],
  ["C", "staging driver"],
  ["I", "firmware bug worked around"],
  ["O", "out-of-tree module"],
  ["E", "unsigned module"],
  ["L", "soft lockup occurred"],
  ["K", "kernel was live patched"],
  ["X", "auxiliary taint"],
  ["T", "built with structure randomisation"],
  ["N", "in-kernel test ran"],
  ["J", "fwctl changed a device"],
];

/** The mask in words: `none`, or `12288: out-of-tree module (O), unsigned module (E)`. */
export function taint(mask: number): string {
  if (mask === 0) return "none";
  const named = FLAGS.flatMap(([letter, meaning], bit) =>
    // Division, as the mask may have more bits than a 32-bit operator keeps.
    Math.floor(mask / 2 ** bit) % 2 === 1 ? [`${meaning} (${letter})`] : [],
  );
  const unnamed = Math.floor(mask / 2 ** FLAGS.length) > 0 ? ["bits this page has no name for"] : [];
  return `${mask}: ${[...named, ...unnamed].join(", ")}`;
}
