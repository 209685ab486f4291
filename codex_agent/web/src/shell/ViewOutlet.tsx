// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Route } from "./router";
import { views, type ViewProps } from "./views";

interface Loaded {
  readonly id: string;
  /** Null when its code could not be fetched. */
  readonly component: ComponentType<ViewProps> | null;
}

/** Shows the route's view, whose code is fetched when it is first shown. */
export function ViewOutlet({ route }: { readonly route: Route }) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  useEffect(() => {
    let wanted = true;
    const view = views.find(({ id }) => id === route.view);
    if (view === undefined) return undefined;
    const fetchCode = async (): Promise<void> => {
      const component = await view.load().then(
        (code) => code.default,
        () => null,
      );
      if (wanted) setLoaded({ id: view.id, component });
    };
    void fetchCode();
    return () => {
      wanted = false;
    };
  }, [route.view]);

  if (loaded?.id !== route.view) return null;
  const { component: Component } = loaded;
  if (Component === null) {
    return (
      <section class="placeholder" data-testid="problem">
        <h1>This view could not be loaded</h1>
        <p>The host did not deliver its code.</p>
        <p class="quiet">The host may have been updated or be out of reach: reload the page.</p>
        <button
          type="button"
          class="button"
          onClick={() => {
            window.location.reload();
          }}
        >
          Reload
        </button>
      </section>
    );
  }
  return <Component rest={route.rest} />;
}
