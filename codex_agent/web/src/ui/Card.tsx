// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import { Sources } from "./Sources";

interface CardProps {
  /** `trust` gives `data-testid="card-trust"` and the grid area. */
  readonly id: string;
  readonly title: string;
  /** Beside the title: a count or a state in a few words. */
  readonly note?: ComponentChildren;
  /** The parts of the snapshot that the card shows. */
  readonly paths: readonly string[];
  /** Takes the whole width where there are columns. */
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

/** A section of a view, with its heading, its body and where its values come from. */
export function Card({ id, title, note, paths, wide = false, children }: CardProps) {
  const heading = `card-${id}-title`;
  return (
    <section class={`card card-${id}${wide ? " card-wide" : ""}`} aria-labelledby={heading} data-testid={`card-${id}`}>
      <header class="card-head">
        <h2 id={heading}>{title}</h2>
        {note !== undefined && <span class="card-note">{note}</span>}
      </header>
      <div class="card-body">{children}</div>
      <Sources paths={paths} of={title} />
    </section>
  );
}
