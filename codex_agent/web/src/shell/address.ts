// SPDX-License-Identifier: Apache-2.0

const TOKEN = "token";

/**
 * The token of a `#token=…` address, taken out of the address bar and the history at once; null where there is none.
 * A fragment is never sent to a server, so the printed link is safe in logs; the history must not keep it either.
 */
export function takeToken(): string | null {
  const fields = new URLSearchParams(window.location.hash.slice(1));
  const token = fields.get(TOKEN);
  if (token === null) return null;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return token;
}
