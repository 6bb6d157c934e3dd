/**
 * GGUF, version 3, little-endian: the single file in which llama.cpp and its kin keep a model. The header is read at once,
 * tensors one at a time. The file is untrusted: every length is compared with what is left of it before memory is taken,
 * and tensors must lie within the file, aligned, none in another.
 */
import { BinaryFile } from '../binary-file.js';
import { UserError } from '../errors.js';
import type { NamedArray } from '../safetensors.js';
import { FORMATS, type Format, UNREAD } from './quantised.js';

export type GgufValue = number | boolean | string | GgufValue[];

export interface GgufTensor {
  /** Rows first, as everywhere here: a matrix is [out, in]. */
  shape: number[];
  format: Format;
  /** First byte in the file. */
  from: number;
}

export interface GgufFile {
  path: string;
  metadata: ReadonlyMap<string, GgufValue>;
  tensors: ReadonlyMap<string, GgufTensor>;
  /** All values of a tensor. Throws a UserError when there is none of this name. */
  read(name: string): NamedArray;
  close(): void;
}

const MAGIC = 0x46554747, VERSION = 3, MAX_DIMENSIONS = 4, DEFAULT_ALIGNMENT = 32;
/** No real file comes near them. */
const MAX_NAME = 1 << 16, MAX_TEXT = 1 << 24, MAX_LIST = 1 << 23, MAX_VALUES = 2 ** 40, MAX_NESTING = 2;
/** Bytes of header that are read at a time, and of a tensor. */
const PIECE = 1 << 20, TENSOR_PIECE = 1 << 22;

/** Bytes and readers of metadata's number types, by GGUF's numbers. 64-bit ones become numbers, beyond 2^53 inexact. */
const NUMBERS: ReadonlyMap<number, readonly [bytes: number, read: (b: Buffer) => number | boolean]> = new Map([
  [0, [1, (b) => b.readUInt8()]], [1, [1, (b) => b.readInt8()]], [2, [2, (b) => b.readUInt16LE()]], [3, [2, (b) => b.readInt16LE()]],
  [4, [4, (b) => b.readUInt32LE()]], [5, [4, (b) => b.readInt32LE()]], [6, [4, (b) => b.readFloatLE()]], [7, [1, (b) => b.readUInt8() !== 0]],
  [10, [8, (b) => Number(b.readBigUInt64LE())]], [11, [8, (b) => Number(b.readBigInt64LE())]], [12, [8, (b) => b.readDoubleLE()]],
] as [number, [number, (b: Buffer) => number | boolean]][]);
const STRING = 8, ARRAY = 9;

/** @throws UserError in one line: no GGUF, another version, not whole, or with tensors of a type that is not read here */
export function openGguf(path: string): GgufFile {
  const file = new BinaryFile(path);
  try {
    const header = new Header(file);
    if (file.size < 24 || header.u32() !== MAGIC) throw new UserError(`${path} is no GGUF file: it does not begin with GGUF.`);
    const version = header.u32();
    if (version !== VERSION) throw new UserError(`${path} is GGUF of version ${version}, or big-endian: version ${VERSION}, little-endian, is read here. Convert it with llama.cpp's tools.`);
    // Each takes more than so many bytes.
    const tensorCount = header.count(24, 'tensors'), valueCount = header.count(13, 'metadata values');
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < valueCount; i++) {
      const key = header.text(MAX_NAME);
      if (metadata.has(key)) throw header.wrong(`it has ${shown(key)} twice`);
      metadata.set(key, header.value(header.u32(), 0));
    }
    const tensors = readTensors(header, tensorCount, alignmentOf(metadata, header));
    return { path, metadata, tensors, read: (name) => readTensor(file, name, tensors.get(name)), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, header: Header): number {
  const value = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1 << 20) throw header.wrong(`its alignment is ${JSON.stringify(value)}`);
  return value;
}

function readTensors(header: Header, count: number, alignment: number): Map<string, GgufTensor> {
  const listed: { name: string; shape: number[]; format: Format; offset: number; bytes: number }[] = [], names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const name = header.text(MAX_NAME), dimensions = header.u32();
    if (names.has(name)) throw header.wrong(`it has the tensor ${shown(name)} twice`);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) throw header.wrong(`tensor ${shown(name)} has ${dimensions} dimensions`);
    names.add(name);
    const shape = Array.from({ length: dimensions }, () => header.u64()), type = header.u32(), offset = header.u64(), format = FORMATS.get(type);
    if (!format) {
      throw new UserError(`${header.path}: tensor ${shown(name)} is stored as ${UNREAD.get(type) ?? `type ${type}`}, which is not read here (${[...FORMATS.values()].map((f) => f.name).join(', ')} are): choose another quantisation of the model.`);
    }
    const values = shape.reduce((a, b) => a * b, 1);
    if (!(values > 0 && values <= MAX_VALUES)) throw header.wrong(`tensor ${shown(name)} is of shape [${shape}]`);
    if (shape[0]! % format.values) throw header.wrong(`tensor ${shown(name)} has rows of ${shape[0]} values, which are no whole blocks of ${format.name}`);
    if (offset % alignment) throw header.wrong(`tensor ${shown(name)} is not aligned`);
    listed.push({ name, shape: shape.reverse(), format, offset, bytes: (values / format.values) * format.bytes });
  }
  const start = Math.ceil(header.at / alignment) * alignment;
  let end = 0;
  for (const { name, offset, bytes } of [...listed].sort((a, b) => a.offset - b.offset)) {
    if (offset < end) throw header.wrong(`tensor ${shown(name)} overlaps another`);
    end = offset + bytes;
    if (start + end > header.size) throw header.wrong(`tensor ${shown(name)} lies outside the file`);
  }
  return new Map(listed.map(({ name, shape, format, offset }) => [name, { shape, format, from: start + offset }]));
}

function readTensor(file: BinaryFile, name: string, tensor: GgufTensor | undefined): NamedArray {
  if (!tensor) throw new UserError(`${file.path} lacks the tensor ${name}: it is another kind of model, or not whole.`);
  const { shape, format, from } = tensor, count = shape.reduce((a, b) => a * b, 1), data = new Float32Array(count);
  const blocks = count / format.values, most = Math.max(1, Math.floor(TENSOR_PIECE / format.bytes));
  for (let done = 0; done < blocks; done += most) {
    const some = Math.min(most, blocks - done), bytes = file.bytes(from + done * format.bytes, some * format.bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < some; i++) format.unpack(view, i * format.bytes, data, (done + i) * format.values);
  }
  return { shape, data };
}

/** The header from its beginning on. */
class Header {
  at = 0;
  #piece: Buffer = Buffer.alloc(0);
  /** Where the piece lies. */
  #from = 0;

  constructor(readonly file: BinaryFile) {}

  get path(): string { return this.file.path; }
  get size(): number { return this.file.size; }
  wrong(why: string): UserError { return new UserError(`${this.path} is not a whole GGUF file: ${why}. Fetch it again.`); }

  take(length: number): Buffer {
    if (this.at + length > this.size) throw this.wrong('it ends early');
    if (this.at + length > this.#from + this.#piece.length) {
      this.#from = this.at;
      this.#piece = this.file.bytes(this.at, Math.min(Math.max(length, PIECE), this.size - this.at));
    }
    const begin = this.at - this.#from;
    this.at += length;
    return this.#piece.subarray(begin, begin + length);
  }

  u32(): number { return this.take(4).readUInt32LE(); }
  u64(): number { return Number(this.take(8).readBigUInt64LE()); }

  /** How many of something that takes at least `least` bytes each. */
  count(least: number, what: string): number {
    const count = this.u64();
    if (count > (this.size - this.at) / least) throw this.wrong(`it claims ${count} ${what}`);
    return count;
  }

  text(most: number): string {
    const length = this.u64();
    if (length > most) throw this.wrong(`it has a text of ${length} bytes`);
    return this.take(length).toString('utf8');
  }

  value(type: number, depth: number): GgufValue {
    const number = NUMBERS.get(type);
    if (number) return number[1](this.take(number[0]));
    if (type === STRING) return this.text(MAX_TEXT);
    if (type !== ARRAY) throw this.wrong(`it has metadata of type ${type}`);
    if (depth === MAX_NESTING) throw this.wrong('it has lists in lists in lists');
    const of = this.u32(), count = this.count(NUMBERS.get(of)?.[0] ?? (of === STRING ? 8 : 12), 'values of a list');
    if (count > MAX_LIST) throw this.wrong(`it has a list of ${count} values`);
    return Array.from({ length: count }, () => this.value(of, depth + 1));
  }
}
