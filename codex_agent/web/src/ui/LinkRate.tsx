// SPDX-License-Identifier: Apache-2.0
import { link, linkShare } from "../format/pci";
import { Meter } from "./Meter";

export interface LinkRateProps {
  readonly speed: number | null;
  readonly width: number | null;
  readonly speedMax: number | null;
  readonly widthMax: number | null;
  /** The most that the other end can do: what a port cannot have because of its device is no loss of the port. */
  readonly otherEnd?: { readonly speedMax: number | null; readonly widthMax: number | null };
  /** What has the link, for those who hear the page. */
  readonly of?: string;
}

function least(one: number | null, other: number | null | undefined): number | null {
  if (one === null || other === undefined) return one;
  return other === null ? null : Math.min(one, other);
}

/** A PCI Express link as it is, against its maximum; a bar only where it is below. Null where nothing is known. */
export function linkRate({ speed, width, speedMax, widthMax, otherEnd, of = "Link" }: LinkRateProps) {
  const now = link(speed, width);
  if (now === null) return null;
  const most = link(speedMax, widthMax);
  const share = linkShare(speed, least(speedMax, otherEnd?.speedMax), width, least(widthMax, otherEnd?.widthMax));
  const maximum = otherEnd === undefined ? "its maximum" : "what both ends can do";
  return (
    <span class="link">
      <span>
        <strong class="figure">{now}</strong>
        {most !== null && <span class="figure quiet"> of {most}</span>}
        {share !== null && !share.full && (
          <span class="tag tag-degraded">
            {share.percent} % of {maximum}
          </span>
        )}
      </span>
      {share !== null && !share.full && (
        <Meter percent={share.percent} label={`${of} rate of ${maximum}`} tone="degraded" />
      )}
    </span>
  );
}
