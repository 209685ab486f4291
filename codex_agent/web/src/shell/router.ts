// SPDX-License-Identifier: Apache-2.0
import { createStore, type Store } from "../state/store";

/** Where the page is: `#/host/a/b` is view `host` with rest `["a", "b"]`. */
export interface Route {
  readonly view: string;
  readonly rest: readonly string[];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign is text.
    return part;
  }
}

/** Reads a fragment; the first view where it names none. */
export function parseRoute(hash: string, views: readonly string[]): Route {
  const [view = "", ...rest] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (views.includes(view)) return { view, rest };
  return { view: views[0] ?? "", rest: [] };
}

/** The address of a view. */
export function addressOf(view: string, ...rest: readonly string[]): string {
  return `#/${[view, ...rest].map(encodeURIComponent).join("/")}`;
}

/**
 * The present route, which follows the address. The fragment is used because the agent serves one document: every
 * other path of it is an API route or an error.
 */
export function createRouter(views: readonly string[]): Store<Route> {
  const route = createStore(parseRoute(window.location.hash, views));
  window.addEventListener("hashchange", () => {
    route.set(parseRoute(window.location.hash, views));
  });
  return route;
}
