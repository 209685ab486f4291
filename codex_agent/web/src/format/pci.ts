// SPDX-License-Identifier: Apache-2.0
import { gigatransfers, wholePercent } from "./quantity";

/** Vendors of display and accelerator functions that a host of ours is likely to hold (PCI-SIG vendor ids). */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ["1002", "AMD"],
  ["1234", "QEMU"],
  ["10de", "NVIDIA"],
  ["15ad", "VMware"],
  ["1ae0", "Google"],
  ["1af4", "Virtio"],
  ["1b36", "Red Hat"],
  ["1da3", "Habana"],
  ["1d0f", "Amazon"],
  ["8086", "Intel"],
]);

/** Four hexadecimal digits without prefix, lower case; question marks for an id that could not be read. */
function bare(id: string | null): string {
  return id === null ? "????" : id.toLowerCase().replace(/^0x/, "");
}

/** `NVIDIA 10de:2684`; the ids alone where the vendor has no name here, `????` for an id that could not be read. */
export function functionName(vendorId: string | null, deviceId: string | null): string {
  const vendor = VENDORS.get(bare(vendorId));
  const ids = `${bare(vendorId)}:${bare(deviceId)}`;
  return vendor === undefined ? ids : `${vendor} ${ids}`;
}

/** `16 GT/s ×8`, or what is known of it; null where neither is known. */
export function link(speed: number | null, width: number | null): string | null {
  if (width === null) return speed === null ? null : `${gigatransfers(speed)}, width unavailable`;
  return speed === null ? `speed unavailable, ×${width}` : `${gigatransfers(speed)} ×${width}`;
}

export interface LinkShare {
  readonly percent: number;
  readonly full: boolean;
}

/** Speed times width against their maxima, in percent; null where one of the four is not known. */
export function linkShare(
  speed: number | null,
  speedMax: number | null,
  width: number | null,
  widthMax: number | null,
): LinkShare | null {
  if (speed === null || speedMax === null || width === null || widthMax === null) return null;
  const rate = speed * width;
  const most = speedMax * widthMax;
  const percent = wholePercent(Math.min(rate, most), most);
  return percent === null ? null : { percent, full: rate >= most };
}
