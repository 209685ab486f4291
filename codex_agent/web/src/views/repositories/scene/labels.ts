// SPDX-License-Identifier: Apache-2.0
import { NONE } from "../data/graph";
import type { Content } from "../state/explorer";

/** A name that may be written beside a commit. */
export interface Candidate {
  readonly text: string;
  readonly commit: number;
  /** Above all others, wherever it stands. */
  readonly strong: boolean;
}

export interface Label extends Candidate {
  readonly x: number;
  readonly y: number;
}

export const LABELS_MOST = 40;
const LINE_PX = 18;
/** Names are cut, so this is more than any of them needs. */
const CHARACTERS = 28;
const CHARACTER_PX = 7;

export type Project = (commit: number) => { readonly x: number; readonly y: number } | null;

/** The newest commit of each branch with its name, in the order of the host: what is checked out comes first. */
export function branchNames(content: Content): Candidate[] {
  const { graph } = content;
  const newest = new Uint32Array(graph.branches.length).fill(NONE);
  graph.branch.forEach((branch, commit) => {
    newest[branch] = commit;
  });
  return graph.branches.flatMap((text, branch) => {
    const commit = newest[branch] ?? NONE;
    return commit === NONE ? [] : [{ text: cut(text), commit, strong: false }];
  });
}

function cut(text: string): string {
  return text.length > CHARACTERS ? `${text.slice(0, CHARACTERS - 1)}…` : text;
}

/**
 * Names that are in view and do not cover each other: the strong ones first, then in the order given. No more are looked
 * at than it takes to fill the picture.
 */
export function placed(candidates: readonly Candidate[], project: Project): Label[] {
  const found: Label[] = [];
  for (const candidate of [...candidates].sort((a, b) => Number(b.strong) - Number(a.strong))) {
    if (found.length >= LABELS_MOST) break;
    const at = project(candidate.commit);
    if (at === null) continue;
    const wide = candidate.text.length * CHARACTER_PX;
    const covered = found.some(
      (other) =>
        Math.abs(other.y - at.y) < LINE_PX &&
        at.x > other.x - other.text.length * CHARACTER_PX &&
        other.x > at.x - wide,
    );
    if (!covered) found.push({ ...candidate, x: at.x, y: at.y });
  }
  return found;
}
