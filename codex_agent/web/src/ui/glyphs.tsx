// SPDX-License-Identifier: Apache-2.0

/** Small line drawings for buttons. Their meaning is always in the button's name too. */
const PATHS = {
  copy: "M5.5 5.5V3a1 1 0 0 1 1-1H13a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1h-2.5M3 5.5h6.5a1 1 0 0 1 1 1V13a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1z",
  done: "M3 8.5l3.3 3.3L13 4.8",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.2v1.4M8 13.4v1.4M1.2 8h1.4M13.4 8h1.4M3.2 3.2l1 1M11.8 11.8l1 1M12.8 3.2l-1 1M4.2 11.8l-1 1",
  moon: "M13.5 9.7A5.9 5.9 0 0 1 6.3 2.5a5.9 5.9 0 1 0 7.2 7.2z",
  screen:
    "M2.5 3h11a.8.8 0 0 1 .8.8v6.9a.8.8 0 0 1-.8.8h-11a.8.8 0 0 1-.8-.8V3.800a.8.8 0 0 1 .8-.8zM5.5 14h5M8 11.500V14",
  leave: "M6.5 2.500H3.300a.8.8 0 0 0-.8.8v9.400a.8.8 0 0 0 .8.8h3.200M10.5 5l3 3-3 3M13.5 8H6.5",
  eye: "M1.2 8S3.6 3.5 8 3.5 14.8 8 14.8 8 12.4 12.5 8 12.5 1.2 8 1.2 8zM8 6.100a1.9 1.9 0 1 1 0 3.8 1.9 1.9 0 0 1 0-3.800z",
} as const;

export type GlyphName = keyof typeof PATHS;

export function Glyph({ name }: { readonly name: GlyphName }) {
  return (
    <svg class="glyph" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
