// SPDX-License-Identifier: Apache-2.0
import type { View } from "../../shell/views";

export const view: View = {
  id: "kernel",
  title: "Kernel",
  order: 20,
  load: () => import("./KernelView"),
};
