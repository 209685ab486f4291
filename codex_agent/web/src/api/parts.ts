// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

/** Null, or absent, is "could not be read": the reason stands in the snapshot's `readings`. */
export function maybe<S extends v.GenericSchema>(schema: S) {
  return v.optional(v.nullable(schema), null);
}

export function list<S extends v.GenericSchema>(schema: S) {
  return maybe(v.array(schema));
}

export const text = maybe(v.string());
export const figure = maybe(v.pipe(v.number(), v.finite()));
export const flag = maybe(v.boolean());
