// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";

import { askForUpdate } from "./api/updates";
import { takeToken } from "./shell/address";
import { App } from "./shell/App";
import { createRouter } from "./shell/router";
import { createTheme } from "./shell/theme";
import { views } from "./shell/views";
import { initialState } from "./state/app";
import { Connection } from "./state/connection";
import { Session } from "./state/session";
import { createStore } from "./state/store";
import "./style/tokens.css";
import "./style/base.css";
import "./style/controls.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/dialog.css";

// Before anything else, so that the token is in the address bar for no longer than it must be.
const token = takeToken();

const theme = createTheme();
const state = createStore(initialState(Date.now()));
const connection = new Connection(state);
const session = new Session(state, connection);
const route = createRouter(views.map(({ id }) => id));

const root = document.getElementById("app");
if (root === null) throw new Error("The document has no element #app.");
render(<App services={{ state, connection, session, askForUpdate }} route={route} theme={theme} />, root);

if (token === null) session.resume();
else void session.signIn(token);

// A sign-in link that is opened in this tab again changes only the fragment.
window.addEventListener("hashchange", () => {
  const again = takeToken();
  if (again !== null) void session.signIn(again);
});
// The way to the host may be gone, or not (a host on this machine is reached without a network): ask it.
window.addEventListener("offline", () => {
  connection.verify();
});
window.addEventListener("online", () => {
  connection.hurry();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  connection.hurry();
  connection.verify();
});
