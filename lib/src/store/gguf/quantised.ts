/**
 * How GGUF stores numbers: blocks of a few bits a value with a scale, and perhaps a minimum, for each block or part of it
 * (ggml's formats; numbers as ggml's own package `gguf` gives them, to the last bit).
 */
import { fromHalf } from '../half.js';

/** A block of `values` numbers in `bytes` bytes, and how it becomes floats. */
export interface Format {
  name: string;
  values: number;
  bytes: number;
  /** Unpacks the block at byte `at` to `out` from `to` on. Float32Array rounds each result once, as float32 arithmetic does here. */
  unpack(block: DataView, at: number, out: Float32Array, to: number): void;
}

const half = (block: DataView, at: number): number => fromHalf(block.getUint16(at, true));
const low = (byte: number): number => byte & 15;
const high = (byte: number): number => byte >> 4;

/** 32 values of 4 bits: the low halves of 16 bytes, then the high ones. `value` makes a number of the bits of value i. */
function nibbles(block: DataView, quants: number, value: (bits: number, i: number) => number, out: Float32Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    const byte = block.getUint8(quants + i);
    out[to + i] = value(low(byte), i);
    out[to + 16 + i] = value(high(byte), 16 + i);
  }
}

/** Scales and minima of the 8 parts of a K block, 6 bits each in 12 bytes. */
function scalesAndMinima(block: DataView, at: number): { scale: (part: number) => number; minimum: (part: number) => number } {
  const byte = (i: number) => block.getUint8(at + i);
  return {
    scale: (j) => (j < 4 ? byte(j) & 63 : low(byte(j + 4)) | ((byte(j - 4) >> 2) & 48)),
    minimum: (j) => (j < 4 ? byte(j + 4) & 63 : high(byte(j + 4)) | ((byte(j) >> 2) & 48)),
  };
}

/** Q4_K and Q5_K: 8 parts of 32 values; `fifth` is the byte of the fifth bits, if there are any. */
function kBlock(block: DataView, at: number, fifth: number | undefined, quants: number, out: Float32Array, to: number): void {
  const d = half(block, at), dMin = half(block, at + 2), { scale, minimum } = scalesAndMinima(block, at + 4);
  for (let part = 0; part < 8; part++) {
    const factor = d * scale(part), less = dMin * minimum(part);
    for (let i = 0; i < 32; i++) {
      const byte = block.getUint8(quants + 32 * (part >> 1) + i);
      const bits = (part % 2 ? high(byte) : low(byte)) | (fifth === undefined ? 0 : ((block.getUint8(fifth + i) >> part) & 1) << 4);
      out[to + 32 * part + i] = Math.fround(factor * bits) - less;
    }
  }
}

const wide = new DataView(new ArrayBuffer(4));

/** By ggml's numbers of types. */
export const FORMATS: ReadonlyMap<number, Format> = new Map<number, Format>([
  [0, { name: 'F32', values: 1, bytes: 4, unpack: (b, at, out, to) => { out[to] = b.getFloat32(at, true); } }],
  [1, { name: 'F16', values: 1, bytes: 2, unpack: (b, at, out, to) => { out[to] = half(b, at); } }],
  [2, { name: 'Q4_0', values: 32, bytes: 18, unpack: (b, at, out, to) => { const d = half(b, at); nibbles(b, at + 2, (q) => d * (q - 8), out, to); } }],
  [3, { name: 'Q4_1', values: 32, bytes: 20, unpack: (b, at, out, to) => { const d = half(b, at), m = half(b, at + 2); nibbles(b, at + 4, (q) => d * q + m, out, to); } }],
  [6, { name: 'Q5_0', values: 32, bytes: 22, unpack: (b, at, out, to) => {
    const d = half(b, at), fifth = b.getUint32(at + 2, true);
    nibbles(b, at + 6, (q, i) => d * ((q | (((fifth >>> i) & 1) << 4)) - 16), out, to);
  } }],
  [7, { name: 'Q5_1', values: 32, bytes: 24, unpack: (b, at, out, to) => {
    const d = half(b, at), m = half(b, at + 2), fifth = b.getUint32(at + 4, true);
    nibbles(b, at + 8, (q, i) => d * (q | (((fifth >>> i) & 1) << 4)) + m, out, to);
  } }],
  [8, { name: 'Q8_0', values: 32, bytes: 34, unpack: (b, at, out, to) => { const d = half(b, at); for (let i = 0; i < 32; i++) out[to + i] = d * b.getInt8(at + 2 + i); } }],
  [12, { name: 'Q4_K', values: 256, bytes: 144, unpack: (b, at, out, to) => kBlock(b, at, undefined, at + 16, out, to) }],
  [13, { name: 'Q5_K', values: 256, bytes: 176, unpack: (b, at, out, to) => kBlock(b, at, at + 16, at + 48, out, to) }],
  [14, { name: 'Q6_K', values: 256, bytes: 210, unpack: (b, at, out, to) => {
    const d = half(b, at + 208);
    for (let i = 0; i < 256; i++) {
      const group = i >> 5, within = i & 31, four = b.getUint8(at + 64 * (group >> 2) + (i & 63)), two = b.getUint8(at + 128 + 32 * (group >> 2) + within);
      const bits = ((group >> 1) & 1 ? high(four) : low(four)) | (((two >> (2 * (group & 3))) & 3) << 4);
      out[to + i] = Math.fround(d * b.getInt8(at + 192 + (i >> 4))) * (bits - 32);
    }
  } }],
  [30, { name: 'BF16', values: 1, bytes: 2, unpack: (b, at, out, to) => { wide.setUint32(0, b.getUint16(at, true) << 16); out[to] = wide.getFloat32(0); } }],
]);

/** Types that ggml has and that are not read here, to be named where they are met. */
export const UNREAD: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'], [10, 'Q2_K'], [11, 'Q3_K'], [15, 'Q8_K'], [16, 'IQ2_XXS'], [17, 'IQ2_XS'], [18, 'IQ3_XXS'], [19, 'IQ1_S'], [20, 'IQ4_NL'], [21, 'IQ3_S'], [22, 'IQ2_S'],
  [23, 'IQ4_XS'], [24, 'I8'], [25, 'I16'], [26, 'I32'], [27, 'I64'], [28, 'F64'], [29, 'IQ1_M'], [34, 'TQ1_0'], [35, 'TQ2_0'], [39, 'MXFP4'],
]);
