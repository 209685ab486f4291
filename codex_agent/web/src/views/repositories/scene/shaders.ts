// SPDX-License-Identifier: Apache-2.0

/**
 * What is drawn of a moment is decided here: a commit is in the window where its rank is, so that moving through time
 * changes two numbers and nothing else. Sizes follow from the projection, whichever camera it is of.
 */
export const POINT_VERTEX = /* glsl */ `
uniform float low;
uniform float high;
uniform float height;
uniform float size;
uniform float least;
uniform vec3 palette[7];
uniform vec3 faint;
attribute float rank;
attribute float slot;
attribute float shown;
varying vec3 tint;
varying float form;

void main() {
  if (rank < low || rank >= high || shown < 0.5) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 0.0;
    return;
  }
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  float own = size * height * 0.5 * projectionMatrix[1][1] / gl_Position.w;
  bool plain = shown > 1.5;
  gl_PointSize = clamp(own, plain ? least : least * 0.6, 64.0);
  bool other = slot > 23.5;
  int hue = other ? 6 : int(mod(slot, 6.0) + 0.5);
  form = other ? 0.0 : floor((slot + 0.5) / 6.0);
  tint = plain ? palette[hue] : faint;
}
`;

export const POINT_FRAGMENT = /* glsl */ `
uniform vec3 canvas;
varying vec3 tint;
varying float form;

float outside(vec2 at) {
  if (form < 0.5) return length(at);
  if (form < 1.5) return max(abs(at.x), abs(at.y)) * 1.18;
  if (form < 2.5) return max(abs(at.x) * 1.05 + at.y * 0.58, -at.y * 1.25 + 0.1);
  return (abs(at.x) + abs(at.y)) * 0.98;
}

void main() {
  vec2 at = vec2(gl_PointCoord.x, 1.0 - gl_PointCoord.y) * 2.0 - 1.0;
  float far = outside(at);
  if (far > 1.0) discard;
  // A rim of the ground's colour keeps neighbours apart.
  gl_FragColor = vec4(far > 0.84 ? mix(tint, canvas, 0.75) : tint, 1.0);
}
`;

/** A link is there when both of its commits are: `span` holds the smaller and the larger rank. */
export const LINK_VERTEX = /* glsl */ `
uniform float low;
uniform float high;
uniform vec3 link;
uniform vec3 faint;
attribute vec2 span;
attribute float shown;
varying vec3 tint;

void main() {
  if (span.x < low || span.y >= high || shown < 0.5) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    return;
  }
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  tint = shown > 1.5 ? link : faint;
}
`;

export const LINK_FRAGMENT = /* glsl */ `
varying vec3 tint;

void main() {
  gl_FragColor = vec4(tint, 1.0);
}
`;
