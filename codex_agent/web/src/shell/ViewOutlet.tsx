// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

import { ReloadButton } from "../ui/ReloadButton";
import { views, type ViewProps } from "./views";

/** A view whose code has been asked for. */
export interface LoadedView {
  readonly id: string;
  /** Null when its code could not be fetched. */
  readonly component: ComponentType<ViewProps> | null;
}

/** The code of a view, fetched when it is first wanted; null until it is here. */
export function useView(id: string): LoadedView | null {
  const [loaded, setLoaded] = useState<LoadedView | null>(null);
  useEffect(() => {
    let wanted = true;
    const view = views.find((each) => each.id === id);
    if (view === undefined) return undefined;
    const fetchCode = async (): Promise<void> => {
      const component = await view.load().then(
        (code) => code.default,
        () => null,
      );
      if (wanted) setLoaded({ id, component });
    };
    void fetchCode();
    return () => {
      wanted = false;
    };
  }, [id]);
  return loaded?.id === id ? loaded : null;
}

interface ViewOutletProps {
  readonly view: LoadedView;
  readonly rest: readonly string[];
}

/** The view, or what to do when its code did not come. */
export function ViewOutlet({ view, rest }: ViewOutletProps) {
  const { component: Component } = view;
  if (Component !== null) return <Component rest={rest} />;
  return (
    <section class="no-view" data-testid="problem">
      <h1>This view could not be loaded</h1>
      <p>The host did not deliver its code.</p>
      <p class="quiet">The host may have been updated or be out of reach: reload the page.</p>
      <ReloadButton />
    </section>
  );
}
