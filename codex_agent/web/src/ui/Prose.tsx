// SPDX-License-Identifier: Apache-2.0
import { visible } from "../format/text";

/** A sentence of the host's, whose `commands` between backticks are set as code. */
export function Prose({ text }: { readonly text: string }) {
  const parts = visible(text).split("`");
  // A backtick without its partner is a character like any other.
  if (parts.length % 2 === 0) return <bdi>{parts.join("`")}</bdi>;
  return <bdi>{parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</bdi>;
}
