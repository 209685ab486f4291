// SPDX-License-Identifier: Apache-2.0
import type { View } from "../../shell/views";

export const view: View = {
  id: "host",
  title: "Host",
  order: 10,
  load: () => import("./HostView"),
};
