// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";

import type { HostSnapshot } from "../../api/host";
import { taint } from "../../format/taint";
import { Card } from "../../ui/Card";
import { CopyButton } from "../../ui/CopyButton";
import { Field, HostText, Unavailable } from "../../ui/Field";
import { Icon, type Tone } from "../../ui/Icon";

const VERITY_TONES = { active: "ok", corrupted: "failed", inactive: "skipped" } as const;

interface SealProps {
  readonly label: string;
  readonly path: string;
  readonly testId: string;
  /** The state in a word; null where it could not be read. */
  readonly word: ComponentChildren;
  /** What the word means; null where it is neither good nor bad. */
  readonly tone: Tone | null;
}

/** One of the facts that the trust in this host stands on. */
function Seal({ label, path, testId, word, tone }: SealProps) {
  return (
    <div class="seal">
      <dt>{label}</dt>
      <dd>
        {(tone !== null || word === null) && <Icon tone={word === null || tone === null ? "unknown" : tone} />}
        <span data-testid={testId}>{word ?? <Unavailable path={path} />}</span>
      </dd>
    </div>
  );
}

function enforcement(value: boolean | null | undefined): "enforced" | "not enforced" | null {
  return value === true ? "enforced" : value === false ? "not enforced" : null;
}

export function TrustCard({ host }: { readonly host: HostSnapshot }) {
  const { verity, secure_boot: secureBoot, lockdown, slot, kernel } = host;
  const state = verity?.state ?? null;
  const rootHash = verity?.root_hash ?? null;
  const signed = enforcement(verity?.signed);
  const enforced = enforcement(kernel?.modules_signed_enforced);
  const mask = kernel?.taint ?? null;
  const { release = null, version = null } = kernel ?? {};
  return (
    <Card id="trust" title="Trust" paths={["verity", "secure_boot", "lockdown", "slot", "kernel"]}>
      <dl class="seals">
        <Seal
          label="Root verity"
          path="verity.state"
          testId="verity-state"
          word={state}
          tone={state === null ? "unknown" : VERITY_TONES[state]}
        />
        <Seal
          label="Secure Boot"
          path="secure_boot"
          testId="secure-boot"
          word={secureBoot === null ? null : secureBoot ? "on" : "off"}
          tone={secureBoot === true ? "ok" : "skipped"}
        />
        <Seal
          label="Lockdown"
          path="lockdown"
          testId="lockdown"
          word={lockdown === null ? null : <HostText text={lockdown} />}
          tone={lockdown === "none" ? "skipped" : "ok"}
        />
        <Seal
          label="Slot"
          path="slot"
          testId="slot"
          word={slot === null ? null : <HostText text={slot} />}
          tone={null}
        />
      </dl>
      <dl class="fields">
        <Field label="Root hash" path="verity.root_hash" testId="root-hash" wide>
          {rootHash === null ? null : (
            <span class="hash hash-root">
              <HostText text={rootHash} mono />
              <CopyButton text={rootHash} what="root hash" />
            </span>
          )}
        </Field>
        <Field label="Root signature" path="verity.signed" testId="root-signed">
          {signed}
        </Field>
        <Field label="Kernel" path="kernel.release" testId="kernel-release">
          {release === null ? null : <HostText text={release} mono />}
        </Field>
        <Field label="Kernel build" path="kernel.version">
          {version === null ? null : <HostText text={version} />}
        </Field>
        <Field label="Module signatures" path="kernel.modules_signed_enforced">
          {enforced}
        </Field>
        <Field label="Taint" path="kernel.taint" testId="taint">
          {mask === null ? null : taint(mask)}
        </Field>
      </dl>
    </Card>
  );
}
