// SPDX-License-Identifier: Apache-2.0

/** Colours with a meaning of their own; a seventh, grey, is for everybody else. */
export const HUES = 6;

/**
 * Found by search: in each scheme any two colours of a list are at least 22 apart in CIELAB for every eye (also after
 * the simulations of protanopia, deuteranopia and tritanopia by Machado, Oliveira and Fernandes 2009), and each is at
 * least 3:1 against the page. The tests compute both again.
 */
export const PALETTES = {
  light: ["#005daf", "#c27f14", "#0b9d65", "#b0307a", "#675800", "#5416bf"],
  dark: ["#86a7fb", "#c59b12", "#12cb8c", "#f974bb", "#f6e54f", "#816bed"],
} as const;

export const GREYS = { light: "#747d8a", dark: "#8b95a3" } as const;

export type Scheme = keyof typeof PALETTES;

/** What the scene is drawn on, and with what: links, faint commits, marks. Those of the page's own colours. */
export const GROUNDS = {
  light: { canvas: "#f5f6f8", link: "#9aa4b1", faint: "#d3d9e0", mark: "#12171f" },
  dark: { canvas: "#0c0f13", link: "#4b5563", faint: "#2a323d", mark: "#ffffff" },
} as const;

/** Heat from cold to hot; light and dark differ so that the hot end stands out on both. */
export const HEATS = {
  light: ["#cfd8e6", "#e8c26a", "#d9701e", "#a3122a"],
  dark: ["#2d3a4d", "#8a6a1d", "#e0802a", "#ffd9c2"],
} as const;

/** All colours of a scheme in the order of slots: the hues, then grey. */
export function colours(scheme: Scheme): readonly string[] {
  return [...PALETTES[scheme], GREYS[scheme]];
}

/** `#rrggbb` as three numbers from 0 to 1. */
export function channels(colour: string): [number, number, number] {
  const value = parseInt(colour.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
