// SPDX-License-Identifier: Apache-2.0
import { duration, utc } from "../../format/time";
import type { Held } from "../../state/app";
import { Card } from "../../ui/Card";
import { useNow } from "../../ui/clock";
import { CopyButton } from "../../ui/CopyButton";
import { Field, HostText } from "../../ui/Field";

function joined(...parts: readonly (string | null | undefined)[]): string | null {
  const known = parts.filter((part) => typeof part === "string" && part !== "");
  return known.length === 0 ? null : known.join(" ");
}

/** The running time, counted on between samples; it stands still while the host is not heard. */
function Uptime({
  seconds,
  receivedAt,
  ticking,
}: {
  readonly seconds: number;
  readonly receivedAt: number;
  readonly ticking: boolean;
}) {
  const now = useNow();
  const since = ticking ? Math.max(0, now - receivedAt) / 1000 : 0;
  return <>{duration(seconds + since)}</>;
}

/** As many digits of a commit as tell it from all others in a repository of this size. */
const COMMIT_DIGITS = 12;

const PATHS = ["machine", "firmware", "uptime_s", "boot_id", "hostname", "image", "delivery"] as const;

export function MachineCard({ held, ticking }: { readonly held: Held; readonly ticking: boolean }) {
  const { host, receivedAt } = held;
  const { uptime_s: uptime, boot_id: bootId } = host;
  const product = joined(host.machine?.vendor, host.machine?.product);
  const firmware = joined(host.firmware?.vendor, host.firmware?.version);
  const virtualization = host.machine?.virtualization ?? null;
  const commit = host.image?.commit ?? null;
  const started = uptime === null ? null : utc(Date.parse(host.taken_at) - uptime * 1000);
  return (
    <Card id="machine" title="Machine" paths={PATHS}>
      <dl class="fields fields-columns">
        <Field label="Uptime" path="uptime_s" testId="uptime" volatile>
          {uptime === null ? null : <Uptime seconds={uptime} receivedAt={receivedAt} ticking={ticking} />}
        </Field>
        <Field label="Started" path="uptime_s" volatile>
          {started}
        </Field>
        <Field label="Machine" path="machine.product">
          {product === null ? null : <HostText text={product} />}
        </Field>
        <Field label="Virtualisation" path="machine.virtualization">
          {virtualization === null ? null : <HostText text={virtualization} />}
        </Field>
        <Field label="Firmware" path="firmware.version">
          {firmware === null ? null : <HostText text={firmware} />}
        </Field>
        <Field label="Commit" path="image.commit">
          {commit === null ? null : (
            <span class="hash">
              <HostText text={commit.slice(0, COMMIT_DIGITS)} mono />
              <CopyButton text={commit} what="commit" />
            </span>
          )}
        </Field>
        <Field label="Boot id" path="boot_id" volatile>
          {bootId === null ? null : (
            <span class="hash">
              <HostText text={bootId} mono />
              <CopyButton text={bootId} what="boot id" />
            </span>
          )}
        </Field>
      </dl>
    </Card>
  );
}
