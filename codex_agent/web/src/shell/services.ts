// SPDX-License-Identifier: Apache-2.0
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Ask } from "../api/updates";
import type { AppState } from "../state/app";
import type { Connection } from "../state/connection";
import type { Session } from "../state/session";
import type { Store } from "../state/store";

/** What every view may use. */
export interface Services {
  readonly state: Store<AppState>;
  readonly connection: Pick<Connection, "hurry">;
  readonly session: Pick<Session, "signIn" | "signOut">;
  readonly askForUpdate: Ask;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error("ServicesContext is missing above this component.");
  return services;
}
