// SPDX-License-Identifier: Apache-2.0

/** Longest text shown from one field; the rest is cut so that one device cannot fill the page. */
const LIMIT = 240;

/**
 * Characters that cannot be seen or that change how their neighbours look: controls, formats (direction overrides,
 * zero-width marks, tags), line and paragraph separators, private use, halves of surrogate pairs. A driver named with
 * them could pose as another one.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

function codePoint(character: string): string {
  const value = character.codePointAt(0) ?? 0;
  return `\\u{${value.toString(16)}}`;
}

/** The text as it may be shown: hidden characters written out as `\u{202e}`, at most 240 characters. */
export function visible(text: string): string {
  // By code points, as a cut between the halves of one would show both as damage.
  const cut =
    text.length > LIMIT
      ? `${Array.from(text.slice(0, 2 * LIMIT))
          .slice(0, LIMIT - 1)
          .join("")}…`
      : text;
  return cut.replace(HIDDEN, codePoint);
}

/** Text that a person asked to read in full: hidden characters written out but for tabs, nothing cut. */
export function unhidden(text: string): string {
  return text.replace(HIDDEN, (character) => (character === "\t" ? character : codePoint(character)));
}

/** `one check`, `2 checks`: a count with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
