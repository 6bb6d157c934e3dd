/**
 * The safetensors format: an 8-byte header length, a JSON header, then raw little-endian data.
 * Read: f32, f16, bf16, i32 into Float32Array (or Int32Array); written: f32, f16, i32. Every claim of the header is
 * checked before a byte is used.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { writeFileAtomic } from './atomic.js';
import { UserError } from './errors.js';
import { fromHalf, toHalves } from './half.js';

export interface NamedArray {
  shape: number[];
  data: Float32Array | Int32Array;
}
export type Dtype = 'F32' | 'F16' | 'I32';
const sizes: Record<string, number> = { F32: 4, F16: 2, BF16: 2, I32: 4 };

/** @param dtype how float arrays are stored; integer arrays are always I32. */
export function writeSafetensors(
  path: string, tensors: ReadonlyMap<string, NamedArray>, dtype: 'F32' | 'F16' = 'F32', metadata: Record<string, string> = {},
): void {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, data }] of tensors) {
    const type: Dtype = data instanceof Int32Array ? 'I32' : dtype;
    const bytes = type === 'F16' ? toHalves(data as Float32Array) : data;
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    header[name] = { dtype: type, shape, data_offsets: [at, at + chunk.length] };
    chunks.push(chunk);
    at += chunk.length;
  }
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  writeFileAtomic(path, Buffer.concat([length, Buffer.from(json), ...chunks]));
}

export interface Safetensors {
  metadata: Record<string, string>;
  tensors: Map<string, NamedArray>;
}

/** Throws a UserError that names the file and the tensor when anything does not fit. */
export function readSafetensors(path: string): Safetensors {
  const wrong = (why: string) => new UserError(`${path} is not a whole safetensors file: ${why}. Fetch or make it again.`);
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    const read = (from: number, length: number) => {
      const bytes = Buffer.alloc(length);
      for (let got = 0; got < length;) {
        const n = readSync(file, bytes, got, length - got, from + got);
        if (!n) throw wrong('it ends early');
        got += n;
      }
      return bytes;
    };
    if (size < 8) throw wrong('it has no header');
    const headerLength = Number(read(0, 8).readBigUInt64LE());
    if (headerLength > Math.min(size - 8, 100_000_000)) throw wrong(`its header claims ${headerLength} bytes of ${size}`);
    let header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
    try {
      header = JSON.parse(read(8, headerLength).toString('utf8'));
    } catch {
      throw wrong('its header is not JSON');
    }
    const { __metadata__: metadata = {}, ...entries } = header as typeof header & { __metadata__?: Record<string, string> };
    const tensors = new Map<string, NamedArray>();
    let expected = 0;
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)
      .sort((a, b) => a[1].data_offsets[0] - b[1].data_offsets[0])) {
      const width = sizes[dtype];
      if (!width) throw wrong(`tensor ${name} has type ${dtype}, which is not read here`);
      const count = shape.reduce((a, b) => a * b, 1);
      if (shape.some((d) => !Number.isInteger(d) || d < 0) || from !== expected || to - from !== count * width || 8 + headerLength + to > size) {
        throw wrong(`tensor ${name} (${dtype} [${shape}]) does not lie at its offsets ${from} to ${to}`);
      }
      expected = to;
      tensors.set(name, { shape, data: decode(read(8 + headerLength + from, to - from), dtype) });
    }
    if (8 + headerLength + expected !== size) throw wrong(`${size - 8 - headerLength - expected} bytes belong to no tensor`);
    return { metadata: metadata as Record<string, string>, tensors };
  } finally {
    closeSync(file);
  }
}

function decode(bytes: Buffer, dtype: string): Float32Array | Int32Array {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  if (dtype === 'I32') return new Int32Array(buffer);
  if (dtype === 'F32') return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  if (dtype === 'F16') return Float32Array.from(halves, fromHalf);
  const words = new Uint32Array(halves.length);
  halves.forEach((h, i) => { words[i] = h << 16; });
  return new Float32Array(words.buffer);
}
