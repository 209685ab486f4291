// SPDX-License-Identifier: Apache-2.0
import { link, linkShare } from "../format/pci";
import { Meter } from "./Meter";

export interface LinkRateProps {
  readonly speed: number | null;
  readonly width: number | null;
  readonly speedMax: number | null;
  readonly widthMax: number | null;
  /** What has the link, for those who hear the page. */
  readonly of?: string;
}

/** A PCI Express link as it is, against its maximum; a bar only where it is below. Null where nothing is known. */
export function linkRate({ speed, width, speedMax, widthMax, of = "Link" }: LinkRateProps) {
  const now = link(speed, width);
  if (now === null) return null;
  const most = link(speedMax, widthMax);
  const share = linkShare(speed, speedMax, width, widthMax);
  return (
    <span class="link">
      <span>
        <strong class="figure">{now}</strong>
        {most !== null && <span class="figure quiet"> of {most}</span>}
        {share !== null && !share.full && <span class="tag tag-degraded">{share.percent} % of its maximum</span>}
      </span>
      {share !== null && !share.full && (
        <Meter percent={share.percent} label={`${of} rate of its maximum`} tone="degraded" />
      )}
    </span>
  );
}
