// SPDX-License-Identifier: Apache-2.0
import type { Graph } from "../data/graph";
import { Problem } from "../../../api/problem";
import type { Layout } from "./layout";

export type LayOut = (graph: Graph) => Promise<Layout>;

/** Lays out one graph after the other in a thread of its own; ended by `end`. */
export function startLayouter(): { readonly layOut: LayOut; readonly end: () => void } {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  let last: Promise<unknown> = Promise.resolve();
  const ask = (graph: Graph): Promise<Layout> =>
    new Promise((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<Layout>) => {
        resolve(event.data);
      };
      worker.onerror = () => {
        reject(new Problem("format", "layout", "The history could not be laid out.", "Reload the page."));
      };
      worker.postMessage(graph);
    });
  return {
    layOut(graph) {
      const next = last.then(() => ask(graph));
      // A failure is told to who asked, and the next one is tried nevertheless.
      last = next.catch(() => undefined);
      return next;
    },
    end() {
      worker.terminate();
    },
  };
}
