// SPDX-License-Identifier: Apache-2.0
import { Vector3, type Camera, type Sphere } from "three";

import type { Extent } from "../layout/layout";
import type { Look } from "../state/link";
import type { Pointer } from "./pick";

/** How wide a sphere is on what a camera draws into, `height` pixels high; a camera inside of it sees it everywhere. */
export function pixels(camera: Camera, height: number, sphere: Sphere): number {
  const eye = new Vector3().setFromMatrixPosition(camera.matrixWorld);
  const far = eye.distanceTo(sphere.center);
  const focal = (height / 2) * camera.projectionMatrix.elements[5];
  const near = Math.max(far - sphere.radius, sphere.radius * 0.01, 1e-3);
  return (2 * sphere.radius * focal) / near;
}

/** Where to stand to see all of it, a little from above and from the side, so that its depth shows. */
export function homeOf(extent: Extent, aspect: number, degrees: number): Look {
  const half = Math.tan((degrees * Math.PI) / 360);
  const wide = extent.length / 2 / (half * Math.max(aspect, 0.1));
  const high = extent.height / 2 / half;
  const far = Math.max(wide, high) * 1.12 + extent.depth / 2 + 5;
  return { eye: [-far * 0.18, far * 0.24, far * 0.95], target: [0, 0, 0] };
}

/** Where to stand to see the whole city, from above its front. */
export function cityHome(city: { width: number; depth: number; floor: number }, aspect: number, degrees: number): Look {
  const half = Math.tan((degrees * Math.PI) / 360);
  const far = Math.max(city.width / 2 / (half * Math.max(aspect, 0.1)), city.depth / 2 / half) * 1.15 + city.depth / 2;
  return { eye: [0, city.floor + far * 0.62, far * 0.8], target: [0, city.floor, 0] };
}

/** The ray through a place of the picture (-1 to 1, upwards), with a width of `near` pixels. */
export function pointerAt(camera: Camera, x: number, y: number, height: number, near: number): Pointer {
  const from = new Vector3(x, y, -1).unproject(camera);
  const direction = new Vector3(x, y, 1).unproject(camera).sub(from).normalize();
  const focal = (height / 2) * camera.projectionMatrix.elements[5];
  return {
    origin: [from.x, from.y, from.z],
    direction: [direction.x, direction.y, direction.z],
    spread: near / focal,
    reach: 0.3,
  };
}

/** Where something stands in the picture, in pixels from its upper left; null behind the eye or outside. */
export function onScreen(
  camera: Camera,
  at: readonly [number, number, number],
  width: number,
  height: number,
): { x: number; y: number; far: number } | null {
  const place = new Vector3(...at).project(camera);
  if (place.z < -1 || place.z > 1 || Math.abs(place.x) > 1 || Math.abs(place.y) > 1) return null;
  return { x: ((place.x + 1) / 2) * width, y: ((1 - place.y) / 2) * height, far: place.z };
}
