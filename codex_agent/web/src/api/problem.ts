// SPDX-License-Identifier: Apache-2.0

/**
 * What kept a request from its answer.
 * - `network`: nothing answered (host down, cable out, certificate refused)
 * - `unauthorized`: the session or token is not valid
 * - `refused`: the agent understood and said no (4xx)
 * - `server`: the agent could not (5xx)
 * - `format`: the answer is not in the form that this page knows
 */
export type ProblemKind = "network" | "unauthorized" | "refused" | "server" | "format";

/** The one error of this page: what it was, one sentence, one hint. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly kind: ProblemKind,
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

/** Any thrown thing as a Problem; a fault of the page itself keeps its own message. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Problem("format", "page_fault", `The page failed: ${message}`, "Reload the page.");
}
