// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "preact";

/** What a view's component is given. The page's services come by `useServices`. */
export interface ViewProps {
  /** The parts of the address behind the view's own. */
  readonly rest: readonly string[];
}

/** A view registers itself by exporting one of these as `view` from `views/<folder>/index.ts`. */
export interface View {
  /** Its name in the address, and the key of its state. */
  readonly id: string;
  /** Its name in the navigation. */
  readonly title: string;
  /** Its place in the navigation: smaller is further left. The first is shown when the address names none. */
  readonly order: number;
  /** Loads its code: heavy libraries are fetched only by those who look at the view. */
  readonly load: () => Promise<{ readonly default: ComponentType<ViewProps> }>;
}

const found = import.meta.glob<View>("../views/*/index.ts", { eager: true, import: "view" });

export const views: readonly View[] = Object.values(found).sort((a, b) => a.order - b.order);
