// SPDX-License-Identifier: Apache-2.0
import { useLayoutEffect } from "preact/hooks";

import { useStore, type Store } from "../state/store";
import { Announcer } from "./Announcer";
import { showInDocument } from "./document-state";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { Notices, NoView } from "./Notices";
import type { Route } from "./router";
import { ServicesContext, type Services } from "./services";
import { SignIn } from "./SignIn";
import type { Theme } from "./theme";
import { useView, ViewOutlet } from "./ViewOutlet";

interface AppProps {
  readonly services: Services;
  readonly route: Store<Route>;
  readonly theme: Store<Theme>;
}

/** The frame that every view stands in. */
export function App({ services, route, theme }: AppProps) {
  const state = useStore(services.state);
  const here = useStore(route);
  // Its code comes while the host is being asked, or the token typed.
  const view = useView(here.view);
  const asksToken = state.phase === "signed-out" || state.phase === "signing-in";
  const waits = state.held !== null && view === null;
  // After the document shows the state, so that who waits for the mark finds what it stands for.
  useLayoutEffect(() => {
    showInDocument(state, waits);
  }, [state, waits]);

  return (
    <ServicesContext.Provider value={services}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The fragment holds the route; move the focus without changing it.
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header state={state} route={here} theme={theme} />
      <main id="main" tabIndex={-1}>
        {asksToken ? (
          <SignIn state={state} />
        ) : state.held === null || view === null ? (
          <NoView state={state} />
        ) : (
          <>
            <Notices state={state} />
            <ViewOutlet view={view} rest={here.rest} />
          </>
        )}
      </main>
      <Footer state={state} />
      <Announcer state={state} />
    </ServicesContext.Provider>
  );
}
