// SPDX-License-Identifier: Apache-2.0
import { Problem } from "./problem";

/** Bytes of a header and of one run that are believed; a host never sends more. */
const HEADER_MAX = 64 * 1024;
const RUN_MAX = 256 * 2 ** 20;
const ALIGN = 8;

function damaged(what: string): Problem {
  return new Problem("format", "columns", `The host sent columns that cannot be read: ${what}.`, "Reload the page.");
}

/**
 * Takes apart a stream of runs, each a length (u32, little endian) and that many bytes, in whatever pieces they arrive.
 * A run that is handed out has a buffer of its own, so that typed arrays can be laid over its columns.
 */
export class RunReader {
  #pieces: Uint8Array[] = [];
  #held = 0;

  /** The runs that are whole now. Throws Problem for a length that no host sends. */
  push(piece: Uint8Array): Uint8Array<ArrayBuffer>[] {
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#held += piece.length;
    }
    const found: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      if (this.#held < 4) return found;
      const length = new DataView(this.#peek(4).buffer).getUint32(0, true);
      if (length > RUN_MAX) throw damaged(`a run of ${length} bytes`);
      if (this.#held < 4 + length) return found;
      this.#take(4);
      found.push(this.#take(length));
    }
  }

  /** Call at the end of the stream. Throws Problem where it ended inside of a run. */
  end(): void {
    if (this.#held > 0) throw damaged("they end in the middle");
  }

  #peek(length: number): Uint8Array<ArrayBuffer> {
    const found = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(0, length - at);
      found.set(part, at);
      at += part.length;
      if (at === length) break;
    }
    return found;
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    const found = this.#peek(length);
    let left = length;
    while (left > 0) {
      const [first] = this.#pieces;
      if (first === undefined) break;
      if (first.length <= left) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(left);
      left -= Math.min(left, first.length);
    }
    this.#held -= length;
    return found;
  }
}

function header(content: Uint8Array): [name: string, length: number][] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(content));
  } catch {
    throw damaged("their header is no list");
  }
  if (!Array.isArray(value)) throw damaged("their header is no list");
  return value.map((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw damaged("their header names no columns");
    const [name, length] = entry as [unknown, unknown];
    if (typeof name !== "string" || typeof length !== "number" || !Number.isSafeInteger(length) || length < 0)
      throw damaged("their header names no columns");
    return [name, length];
  });
}

/** The columns of one run by name: views into its bytes, each beginning at a multiple of 8. Throws Problem. */
export function unpack(run: Uint8Array<ArrayBuffer>): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  if (run.length < 4) throw damaged("they have no header");
  const size = new DataView(run.buffer, run.byteOffset).getUint32(0, true);
  if (size > HEADER_MAX || 4 + size > run.length) throw damaged("their header is longer than they are");
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  let at = 4 + size;
  for (const [name, length] of header(run.subarray(4, 4 + size))) {
    at += (ALIGN - (at % ALIGN)) % ALIGN;
    if (at + length > run.length) throw damaged(`the column ${name} is cut`);
    found.set(name, run.subarray(at, at + length));
    at += length;
  }
  return found;
}

function whole(bytes: Uint8Array, width: number): number {
  if (bytes.length % width !== 0 || bytes.byteOffset % width !== 0) throw damaged("a column has no whole numbers");
  return bytes.length / width;
}

/** Numbers of 32 bits without sign. */
export function u32(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, whole(bytes, 4));
}

/** Numbers of 32 bits with sign. */
export function i32(bytes: Uint8Array<ArrayBuffer>): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, whole(bytes, 4));
}

/** Numbers of 64 bits with sign as doubles, exact up to 2^53; NaN for the smallest of all, which stands for none. */
export function i64(bytes: Uint8Array<ArrayBuffer>): Float64Array {
  const count = whole(bytes, 8);
  const halves = new Int32Array(bytes.buffer, bytes.byteOffset, count * 2);
  const found = new Float64Array(count);
  for (let at = 0; at < count; at += 1) {
    const low = (halves[2 * at] ?? 0) >>> 0;
    const high = halves[2 * at + 1] ?? 0;
    found[at] = high === -(2 ** 31) && low === 0 ? NaN : high * 2 ** 32 + low;
  }
  return found;
}

/** What a column of JSON says; the caller checks it. Throws Problem. */
export function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damaged("a column of text is no JSON");
  }
}
