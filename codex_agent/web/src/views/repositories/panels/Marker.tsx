// SPDX-License-Identifier: Apache-2.0
import { colours, type Scheme } from "../colours/palette";
import { lookOf, type Shape } from "../colours/slots";

const PATHS: Readonly<Record<Shape, string>> = {
  circle: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
  square: "M3 3h10v10H3z",
  triangle: "M8 2l6.4 11.5H1.600z",
  diamond: "M8 1.500L14.500 8 8 14.500 1.500 8z",
};

/** How the commits of an author look in the scene. */
export function Marker({ slot, scheme }: { readonly slot: number; readonly scheme: Scheme }) {
  const { hue, shape } = lookOf(slot);
  return (
    <svg class="marker" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[shape]} fill={colours(scheme)[hue]} />
    </svg>
  );
}
