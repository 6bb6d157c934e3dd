/**
 * A file read by offsets, never whole: headers as bytes, tensors as the arrays they become here. Files pass 4 GB and
 * Node's reads end at 2 GB, so everything goes in pieces.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from './errors.js';
import { fromHalf } from './half.js';

/** Little-endian number types of stored tensors, by the names of safetensors, and their bytes a value. */
export const WIDTHS = { F32: 4, F16: 2, BF16: 2, F64: 8, I32: 4, I64: 8 } as const;
export type StoredType = keyof typeof WIDTHS;
export const isStoredType = (name: unknown): name is StoredType => typeof name === 'string' && Object.hasOwn(WIDTHS, name);

/** Bytes a piece: small beside a tensor, large beside the cost of a read. */
const PIECE = 1 << 23;

/** The float of every half, made at the first use: a look-up is several times faster than the arithmetic. */
let halfValues: Float32Array | undefined;

export class BinaryFile {
  readonly size: number;
  readonly #file: number;

  constructor(readonly path: string) {
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Throws a UserError when the file ends before `from + length`. */
  bytes(from: number, length: number): Buffer {
    // Before memory is taken: the length may be a false claim.
    if (from + length > this.size) throw this.#short();
    const bytes = Buffer.alloc(length);
    this.#fill(bytes, from);
    return bytes;
  }

  /**
   * `count` values from byte `from` on: floats as Float32Array (F64 is rounded), integers as Int32Array.
   * Throws a UserError when the file ends early or an I64 needs more than 32 bits, naming the tensor `name`.
   */
  values(from: number, count: number, type: StoredType, name: string): Float32Array | Int32Array {
    const width = WIDTHS[type];
    if (from + count * width > this.size) throw this.#short();
    const values = type === 'I32' || type === 'I64' ? new Int32Array(count) : new Float32Array(count);
    const direct = type === 'F32' || type === 'I32';
    const step = PIECE / width;
    const piece = new ArrayBuffer(direct ? 0 : Math.min(step, count) * width);
    const decode = direct ? undefined : decoder(type, piece, values);
    for (let at = 0; at < count; at += step) {
      const length = Math.min(step, count - at);
      this.#fill(new Uint8Array(direct ? values.buffer : piece, direct ? at * width : 0, length * width), from + at * width);
      if (decode?.(at, length) === false) {
        throw new UserError(`${this.path}: tensor ${name} holds integers of more than 32 bits, which are not read here.`);
      }
    }
    return values;
  }

  #fill(bytes: Uint8Array, from: number): void {
    for (let got = 0; got < bytes.length;) {
      const n = readSync(this.#file, bytes, got, Math.min(PIECE, bytes.length - got), from + got);
      if (!n) throw this.#short();
      got += n;
    }
  }

  #short(): UserError {
    return new UserError(`${this.path} ends early: fetch or make it again.`);
  }
}

/** Puts the first `length` values of the piece at `at` of the values; false when one does not fit. */
type Decoder = (at: number, length: number) => boolean;

function decoder(type: StoredType, piece: ArrayBuffer, values: Float32Array | Int32Array): Decoder {
  if (type === 'I64') {
    const words = new Int32Array(piece);
    return (at, length) => {
      for (let i = 0; i < length; i++) {
        const low = words[2 * i]!;
        if (words[2 * i + 1] !== low >> 31) return false;
        values[at + i] = low;
      }
      return true;
    };
  }
  if (type === 'BF16') {
    // A bfloat16 is the upper half of a float.
    const halves = new Uint16Array(piece), words = new Uint32Array(values.buffer);
    return (at, length) => {
      for (let i = 0; i < length; i++) words[at + i] = halves[i]! << 16;
      return true;
    };
  }
  if (type === 'F16') {
    const halves = new Uint16Array(piece), table = halfValues ??= Float32Array.from({ length: 65536 }, (_, h) => fromHalf(h));
    return (at, length) => {
      for (let i = 0; i < length; i++) values[at + i] = table[halves[i]!]!;
      return true;
    };
  }
  const doubles = new Float64Array(piece);
  return (at, length) => {
    values.set(doubles.subarray(0, length), at);
    return true;
  };
}
