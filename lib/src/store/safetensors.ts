/**
 * The safetensors format: an 8-byte header length, a JSON header, then raw little-endian data.
 * Read: f32, f16, bf16, f64 into Float32Array, i32, i64 into Int32Array; written: f32, f16, i32. Every claim of the
 * header is checked before a byte is used. What this workspace stores for itself bears its hash in its metadata, by which
 * bytes that were damaged since are recognised where a whole file is read.
 */
import { createHash, type Hash } from 'node:crypto';
import { writeFileAtomic } from './atomic.js';
import { BinaryFile, isStoredType, type StoredType, WIDTHS } from './binary-file.js';
import { UserError } from './errors.js';
import { isFields } from './fields.js';
import { toHalves } from './half.js';
import { hashJson } from './hash.js';
import type { Progress } from './progress.js';
import { sayDamaged } from './sums.js';

export interface NamedArray {
  shape: number[];
  data: Float32Array | Int32Array;
}
export type Dtype = 'F32' | 'F16' | 'I32';

/** The specification's limit, in bytes. */
const MAX_HEADER = 100_000_000;
/** Values converted and written at once, and bytes hashed at once. */
const PIECE = 1 << 22;
/** Where the metadata hold the file's hash: of the other metadata, the tensors' places and the data. */
const HASH = 'sha256';

/**
 * Written piece by piece, so that no second copy of the tensors is in memory.
 * @param dtype how float arrays are stored; integer arrays are always I32.
 */
export const writeSafetensors = (
  path: string, tensors: ReadonlyMap<string, NamedArray>, dtype: 'F32' | 'F16' = 'F32', metadata: Record<string, string> = {},
): void => write(path, tensors, dtype, metadata, false);

function write(path: string, tensors: ReadonlyMap<string, NamedArray>, dtype: 'F32' | 'F16', metadata: Record<string, string>, stored: boolean): void {
  let at = 0;
  const entries = [...tensors].map(([name, { shape, data }]): [string, unknown] => {
    const type = storedAs(data, dtype), from = at;
    at += data.length * WIDTHS[type];
    return [name, { dtype: type, shape, data_offsets: [from, at] }];
  });
  const json = JSON.stringify(Object.fromEntries([['__metadata__', { ...metadata, ...(stored && { [HASH]: hashOf(metadata, entries, tensors, dtype) }) }], ...entries]));
  // The data starts at a multiple of 8 bytes, so that it can be mapped.
  const header = Buffer.from(json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileAtomic(path, pieces([length, header], tensors, dtype));
}

/** As writeSafetensors, in F32 and with the file's hash: what is read by this workspace alone. */
export const storeSafetensors = (path: string, tensors: ReadonlyMap<string, NamedArray>, metadata: Record<string, string> = {}): void =>
  write(path, tensors, 'F32', metadata, true);

function storedAs(data: NamedArray['data'], dtype: 'F32' | 'F16'): Dtype {
  return data instanceof Int32Array ? 'I32' : dtype;
}

function* pieces(head: Uint8Array[], tensors: ReadonlyMap<string, NamedArray>, dtype: 'F32' | 'F16'): Generator<Uint8Array> {
  yield* head;
  for (const { data } of tensors.values()) {
    for (let at = 0; at < data.length; at += PIECE) {
      const some = data.subarray(at, at + PIECE);
      const stored = storedAs(data, dtype) === 'F16' ? toHalves(some as Float32Array) : some;
      yield new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    }
  }
}

function hashOf(metadata: Record<string, string>, entries: Iterable<readonly [string, unknown]>, tensors: ReadonlyMap<string, NamedArray>, dtype: 'F32' | 'F16'): string {
  const hash = hashOfHeader(metadata, entries);
  for (const piece of pieces([], tensors, dtype)) hash.update(piece);
  return hash.digest('hex');
}

function hashOfHeader({ [HASH]: _, ...metadata }: Record<string, string>, entries: Iterable<readonly [string, unknown]>): Hash {
  return createHash('sha256').update(hashJson([metadata, Object.fromEntries(entries)]));
}

export interface SafetensorsFile {
  metadata: Record<string, string>;
  /** What the file holds, in the order of its data. */
  entries: ReadonlyMap<string, { dtype: StoredType; shape: readonly number[] }>;
  /** One tensor, from disk at every call. Throws a UserError when there is none of that name. */
  read(name: string): NamedArray;
  /** @throws UserError when the file bears a hash and holds other bytes; reads all of it */
  verify(): void;
  close(): void;
}

/**
 * Opens a file whose tensors are read one at a time.
 * Throws a UserError that names the file and the tensor when anything in its header does not fit.
 */
export function openSafetensors(path: string): SafetensorsFile {
  const file = new BinaryFile(path);
  try {
    const { metadata, entries, start, claims } = readHeader(file);
    return {
      metadata,
      entries,
      read: (name) => {
        const entry = entries.get(name);
        if (!entry) throw new UserError(`${path} has no tensor ${name}: fetch or make it again.`);
        const { shape, dtype, from } = entry;
        return { shape: [...shape], data: file.values(from, values(shape), dtype, name) };
      },
      verify: () => {
        if (metadata[HASH] === undefined) return;
        const hash = hashOfHeader(metadata, claims);
        for (let at = start; at < file.size; at += PIECE) hash.update(file.bytes(at, Math.min(PIECE, file.size - at)));
        if (hash.digest('hex') !== metadata[HASH]) throw new UserError(`${path} is damaged: it holds other bytes than were written. Delete it and make it again.`);
      },
      close: () => { file.close(); },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

export interface Safetensors {
  metadata: Record<string, string>;
  tensors: Map<string, NamedArray>;
}

/** All of a file. Throws a UserError that names the file, and the tensor, when anything does not fit, or its bytes are not those that were written. */
export function readSafetensors(path: string): Safetensors {
  const { metadata, entries, read, verify, close } = openSafetensors(path);
  try {
    verify();
    return { metadata, tensors: new Map([...entries.keys()].map((name) => [name, read(name)])) };
  } finally {
    close();
  }
}

/** As readSafetensors, of what can be made again: undefined where there is no such file, or a damaged one, which is said. */
export function storedSafetensors(path: string, progress: Progress): Safetensors | undefined {
  try {
    return readSafetensors(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof UserError)) throw error;
    sayDamaged(path, progress);
    return undefined;
  }
}

interface Entry {
  dtype: StoredType;
  shape: number[];
  /** First byte, from the start of the file. */
  from: number;
}

interface Header {
  metadata: Record<string, string>;
  entries: Map<string, Entry>;
  /** First byte of the data. */
  start: number;
  /** The tensors as the header has them. */
  claims: [string, unknown][];
}

function readHeader(file: BinaryFile): Header {
  const wrong = (why: string) => new UserError(`${file.path} is not a whole safetensors file: ${why}. Fetch or make it again.`);
  if (file.size < 8) throw wrong('it has no header');
  const headerLength = Number(file.bytes(0, 8).readBigUInt64LE());
  const start = 8 + headerLength;
  if (headerLength > MAX_HEADER || start > file.size) throw wrong(`its header claims ${headerLength} bytes of ${file.size}`);
  const json = file.bytes(8, headerLength).toString('utf8');
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch {
    throw wrong('its header is not JSON');
  }
  if (!isFields(header)) throw wrong('its header is not a JSON object');
  const twice = repeatedKey(json);
  if (twice !== undefined) throw wrong(`its header has ${twice} twice`);
  const { __metadata__: metadata = {}, ...claims } = header;
  if (!isFields(metadata) || !Object.values(metadata).every((v) => typeof v === 'string')) {
    throw wrong('its metadata is not text by name');
  }

  const tensors = Object.entries(claims).map(([name, claim]) => {
    const { dtype, shape, data_offsets: offsets } = isFields(claim) ? claim : {};
    if (!isStoredType(dtype)) throw wrong(`tensor ${name} has type ${String(dtype)}, which is not read here`);
    if (!areSizes(shape) || !areSizes(offsets) || offsets.length !== 2) {
      throw wrong(`tensor ${name} has no shape and offsets in whole numbers`);
    }
    return { name, dtype, shape, from: offsets[0]!, to: offsets[1]! };
  });
  // An empty tensor may share its offset with the one that follows it.
  tensors.sort((a, b) => a.from - b.from || a.to - b.to);
  const entries = new Map<string, Entry>();
  let end = 0;
  for (const { name, dtype, shape, from, to } of tensors) {
    if (from !== end || to - from !== values(shape) * WIDTHS[dtype] || start + to > file.size) {
      throw wrong(`tensor ${name} (${dtype} [${shape}]) does not lie at its offsets ${from} to ${to}`);
    }
    end = to;
    entries.set(name, { dtype, shape, from: start + from });
  }
  if (start + end !== file.size) throw wrong(`${file.size - start - end} bytes belong to no tensor`);
  return { metadata: metadata as Record<string, string>, entries, start, claims: Object.entries(claims) };
}

const values = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const areSizes = (x: unknown): x is number[] => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && n >= 0);

/** A key that one object of valid JSON has twice: JSON.parse would silently keep the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '{') open.push(new Set());
    else if (json[at] === '}') open.pop();
    else if (json[at] === '"') {
      const from = at;
      while (json[++at] !== '"') if (json[at] === '\\') at++;
      const text = json.slice(from, at + 1);
      while (/\s/.test(json[at + 1]!)) at++;
      if (json[at + 1] !== ':') continue;
      const keys = open.at(-1)!, name = JSON.parse(text) as string;
      if (keys.has(name)) return name;
      keys.add(name);
    }
  }
  return undefined;
}
