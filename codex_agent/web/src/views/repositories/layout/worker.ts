// SPDX-License-Identifier: Apache-2.0
import type { Graph } from "../data/graph";
import { layoutOf } from "./layout";

// In a thread of its own, so that the page answers while a million commits are laid out.
addEventListener("message", (event: MessageEvent<Graph>) => {
  const layout = layoutOf(event.data);
  const { when, byRank, rank, times } = layout.order;
  const transfer = [when, byRank, rank, times, layout.positions, layout.lanes.line, layout.lanes.lane];
  postMessage(layout, { transfer: transfer.map(({ buffer }) => buffer) });
});
