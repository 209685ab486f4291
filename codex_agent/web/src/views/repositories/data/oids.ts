// SPDX-License-Identifier: Apache-2.0
import { NONE } from "./graph";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The ids of commits, of 20 or 32 bytes each, side by side; finds the place of one by hashing. */
export class Oids {
  readonly #bytes: Uint8Array;
  readonly #width: number;
  readonly #count: number;
  /** Places by the first bytes of the id, which are as good as random. Made when it is first asked. */
  #table: Uint32Array | null = null;

  constructor(bytes: Uint8Array, count: number) {
    this.#bytes = bytes;
    this.#count = count;
    this.#width = count === 0 ? 20 : bytes.length / count;
  }

  /** The id in hexadecimal digits; "" for a place without one. */
  text(place: number): string {
    if (place >= this.#count) return "";
    const own = this.#bytes.subarray(place * this.#width, (place + 1) * this.#width);
    return Array.from(own, (byte) => HEX[byte] ?? "").join("");
  }

  /** The place of an id; NONE where no commit has it. */
  place(text: string): number {
    if (text.length !== this.#width * 2 || !/^[0-9a-f]+$/.test(text)) return NONE;
    const wanted = Uint8Array.from({ length: this.#width }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
    const table = (this.#table ??= this.#hashed());
    const mask = table.length - 1;
    for (let slot = hash(wanted, 0) & mask; ; slot = (slot + 1) & mask) {
      const place = table[slot] ?? NONE;
      if (place === NONE) return NONE;
      if (this.#equal(place, wanted)) return place;
    }
  }

  #equal(place: number, wanted: Uint8Array): boolean {
    const from = place * this.#width;
    return wanted.every((byte, at) => this.#bytes[from + at] === byte);
  }

  #hashed(): Uint32Array {
    let size = 16;
    // At most half full, so that there is always an end to a search.
    while (size < this.#count * 2) size *= 2;
    const table = new Uint32Array(size).fill(NONE);
    for (let place = 0; place < this.#count; place += 1) {
      let slot = hash(this.#bytes, place * this.#width) & (size - 1);
      while (table[slot] !== NONE) slot = (slot + 1) & (size - 1);
      table[slot] = place;
    }
    return table;
  }
}

function hash(bytes: Uint8Array, from: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(from, from + 4);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
