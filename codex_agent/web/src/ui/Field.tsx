// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import { visible } from "../format/text";
import { readingOf, useProvenance } from "./readings";

/** What stands where a value could not be read: the word, and the host's reason. */
export function Unavailable({ path }: { readonly path: string }) {
  const { readings } = useProvenance();
  const reason = readingOf(readings, path)?.reason ?? "the host gave no reason";
  return (
    <span class="unavailable">
      unavailable <span class="reason">({visible(reason)})</span>
    </span>
  );
}

/** Text that came from the host, on its own: hidden characters written out, direction kept inside. */
export function HostText({ text, mono = false }: { readonly text: string; readonly mono?: boolean }) {
  return <bdi class={mono ? "mono" : undefined}>{visible(text)}</bdi>;
}

interface FieldProps {
  readonly label: string;
  /** Where the value stands in the snapshot, to find its reason and source. */
  readonly path: string;
  /** The value; null where the host could not read it. */
  readonly children: ComponentChildren;
  readonly testId?: string;
  /** Takes the whole width. */
  readonly wide?: boolean;
  /** Changes by the second. */
  readonly volatile?: boolean;
}

/** One line of a card: name and value. */
export function Field({ label, path, children, testId, wide = false, volatile = false }: FieldProps) {
  return (
    <div class={wide ? "field field-wide" : "field"}>
      <dt>{label}</dt>
      <dd data-testid={testId} data-volatile={volatile || undefined}>
        {children ?? <Unavailable path={path} />}
      </dd>
    </div>
  );
}
