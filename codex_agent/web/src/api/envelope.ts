// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

import { Problem, type ProblemKind } from "./problem";

/** The error object inside the envelope and inside the WebSocket's `error` message. */
export const ErrorObject = v.object({
  code: v.string(),
  message: v.string(),
  hint: v.optional(v.nullable(v.string()), null),
});

const Envelope = v.object({
  success: v.boolean(),
  data: v.optional(v.unknown()),
  error: v.optional(v.nullable(ErrorObject), null),
});

export function kindOfStatus(status: number): ProblemKind {
  if (status === 401) return "unauthorized";
  return status >= 500 ? "server" : "refused";
}

/** Where a value departs from its schema, as one sentence: `cpu.load.1: Expected number but received "x"`. */
export function firstIssue(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

/**
 * The data of an answered envelope, checked against its schema.
 * Throws a Problem for an error envelope and for any answer in another form.
 */
export function openEnvelope<S extends v.GenericSchema>(status: number, body: unknown, schema: S): v.InferOutput<S> {
  const envelope = v.safeParse(Envelope, body);
  if (!envelope.success) {
    throw new Problem(
      status >= 400 ? kindOfStatus(status) : "format",
      "no_envelope",
      `The agent answered ${status} in a form that this page does not know.`,
      "Something between the browser and the host may have answered in its place.",
    );
  }
  const { success, data, error } = envelope.output;
  if (!success || status >= 400) {
    const kind = status >= 400 ? kindOfStatus(status) : "server";
    if (error === null) throw new Problem(kind, "no_reason", `The agent answered ${status} without a reason.`);
    throw new Problem(kind, error.code, error.message, error.hint);
  }
  return checked(data, schema);
}

/** The value if the schema holds, else a Problem that names the first place where it does not. */
export function checked<S extends v.GenericSchema>(value: unknown, schema: S): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new Problem(
    "format",
    "unknown_form",
    `The agent's answer is not in the form that this page knows (${firstIssue(result.issues)}).`,
    "The host may have been updated: reload the page.",
  );
}
