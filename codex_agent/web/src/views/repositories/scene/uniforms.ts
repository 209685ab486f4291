// SPDX-License-Identifier: Apache-2.0
import { Color, SRGBColorSpace, Vector3 } from "three";

import { channels, colours, GROUNDS, type Scheme } from "../colours/palette";

function colour(text: string): Vector3 {
  return new Vector3(...channels(text));
}

/** Numbers that all materials of a scene share: changed once, seen by all. */
export function sharedUniforms() {
  return {
    /** The window of time, in ranks. */
    low: { value: 0 },
    high: { value: 0 },
    /** Height of what is drawn into, in its own pixels. */
    height: { value: 1 },
    /** Size of a commit in the scene, and the least that it may have on the screen. */
    size: { value: 1 },
    least: { value: 5 },
    /** Half the thickness of a bar. */
    thick: { value: 0.35 },
    /** Where the end of the window lies on the axis, and its beginning: 0 to 1. */
    moment: { value: 1 },
    earlier: { value: 0 },
    palette: { value: Array.from({ length: 7 }, () => new Vector3()) },
    canvas: { value: new Vector3() },
    link: { value: new Vector3() },
    faint: { value: new Vector3() },
    /** Colours from cold to hot. */
    heat: { value: Array.from({ length: 4 }, () => new Vector3()) },
  };
}

export type Shared = ReturnType<typeof sharedUniforms>;

/** Gives the scene the colours of a scheme; the ground's colour is returned for clearing. */
export function paint(shared: Shared, scheme: Scheme, heats: readonly string[]): Color {
  const ground = GROUNDS[scheme];
  shared.palette.value = colours(scheme).map(colour);
  shared.canvas.value = colour(ground.canvas);
  shared.link.value = colour(ground.link);
  shared.faint.value = colour(ground.faint);
  shared.heat.value = heats.map(colour);
  // Shaders write what they are given; the renderer converts what it clears with.
  return new Color().setRGB(...channels(ground.canvas), SRGBColorSpace);
}
