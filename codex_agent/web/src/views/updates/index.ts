// SPDX-License-Identifier: Apache-2.0
import type { View } from "../../shell/views";

export const view: View = {
  id: "updates",
  title: "Updates",
  order: 15,
  load: () => import("./UpdatesView"),
};
