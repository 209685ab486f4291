// SPDX-License-Identifier: Apache-2.0
import type { View } from "../../shell/views";

export const view: View = {
  id: "repositories",
  title: "Repositories",
  order: 30,
  load: () => import("./RepositoriesView"),
};
