// SPDX-License-Identifier: Apache-2.0

/** Longest text shown from one field; the rest is cut so that one device cannot fill the page. */
const LIMIT = 240;

/**
 * Characters that change how their neighbours look, or that cannot be seen: C0 and C1 controls, zero-width
 * marks, line and paragraph separators, direction overrides and isolates, the byte order mark, tag characters,
 * and halves of surrogate pairs. A driver named with them could pose as another one.
 */
// eslint-disable-next-line no-control-regex -- finding control characters is what this expression is for
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

function codePoint(character: string): string {
  const value = character.codePointAt(0) ?? 0;
  return `\\u{${value.toString(16)}}`;
}

/** The text as it may be shown: hidden characters written out as `\u{202e}`, at most 240 characters. */
export function visible(text: string): string {
  const cut = text.length > LIMIT ? `${text.slice(0, LIMIT - 1)}…` : text;
  return cut.replace(HIDDEN, codePoint);
}

/** `one check`, `2 checks`: a count with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
