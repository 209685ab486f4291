// SPDX-License-Identifier: Apache-2.0
import type { Check } from "../../api/host";
import { Unavailable } from "../../ui/Field";
import { Icon, toneOfCheck } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";

interface MissingProps {
  readonly module: string;
  /** Where the service stands in the snapshot. */
  readonly path: string;
  /** What the host's verdict says about the module; undefined where it was not judged. */
  readonly check: Check | undefined;
  readonly testId: string;
}

/** A module without figures: why, and what to do where it should answer. */
export function Missing({ module, path, check, testId }: MissingProps) {
  const wanted = check !== undefined && check.state !== "ok" && check.state !== "skipped";
  return (
    <div class="missing" data-testid={testId} data-check={check?.state}>
      <p>
        {wanted && <Icon tone={toneOfCheck(check.state)} />} <span class="mono">{module}</span>{" "}
        {wanted && (
          <>
            <span class={`tag${check.state === "degraded" ? " tag-degraded" : ""}`}>{check.state}</span>{" "}
          </>
        )}
        <Unavailable path={path} />
      </p>
      {wanted && check.hint !== null && (
        <p>
          <Prose text={check.hint} />
        </p>
      )}
    </div>
  );
}
