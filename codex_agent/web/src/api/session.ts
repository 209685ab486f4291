// SPDX-License-Identifier: Apache-2.0
import { command } from "./http";

/** Exchanges the token for a cookie that scripts cannot read. The token is kept nowhere. Throws Problem. */
export async function openSession(token: string): Promise<void> {
  await command("POST", "/api/session", { token });
}

/** Ends the session on the host. Throws Problem. */
export async function closeSession(): Promise<void> {
  await command("DELETE", "/api/session");
}
