/**
 * Checkpoints as torch.save writes them (a zip of a pickle and raw storages, PyTorch 1.6 and later), read without
 * executing anything: what the pickle says is built by a machine that knows a few harmless names (see names.ts), and
 * tensors are read from the file when they are asked for. What no weight needs stays opaque.
 */
import { BinaryFile, WIDTHS } from '../binary-file.js';
import { UserError } from '../errors.js';
import { NAMES, OtherStorage, StorageType } from './names.js';
import { Known, Opaque, Refusal, unpickle } from './pickle.js';
import { Storage, TorchTensor } from './tensor.js';
import { type ZipEntry, zipEntries } from './zip.js';

/** Dicts and Namespaces are Maps; lists, tuples, sets and sizes arrays; paths text; integers beyond 2^53 bigints. */
export type TorchValue =
  | null | boolean | number | bigint | string | TorchValue[] | Map<string | number, TorchValue> | TorchTensor | Opaque | Known;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Containers in one another. */
const MAX_DEPTH = 100;
/** Values of a configuration: a pickle may name one list many times, and each time is a copy in JSON. */
const MAX_JSON = 100_000;

/**
 * What was saved; it is a tree without loops, however hostile the file.
 * Throws a UserError of one line that says what was refused.
 */
export function readTorchFile(path: string): TorchValue {
  const file = new BinaryFile(path);
  try {
    const first = file.size < 4 ? 0 : file.bytes(0, 4).readUInt32LE();
    if ((first & 0xff) === 0x80) {
      throw new UserError(`${path} is a bare pickle, or in PyTorch's format before 1.6: save it again with a later torch.save.`);
    }
    if (first !== 0x04034b50) throw new UserError(`${path} is not a checkpoint that torch.save wrote: fetch it again.`);
    const entries = zipEntries(file);
    const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickles.length !== 1) {
      throw new UserError(`${path} is a zip, but not one that torch.save wrote, with ${pickles.length} data.pkl: fetch it again.`);
    }
    const folder = pickles[0]!.slice(0, -'data.pkl'.length);
    const order = entries.get(`${folder}byteorder`);
    if (order && file.bytes(order.from, Math.min(order.size, 16)).toString() !== 'little') {
      throw new UserError(`${path} was saved on a big-endian machine, which is not read here: save it again on another.`);
    }
    const { from, size } = entries.get(pickles[0]!)!;
    const value = unpickle(file.bytes(from, size), NAMES, (id) => storage(path, entries, folder, id));
    height(value, new Map(), 0);
    return value as TorchValue;
  } catch (error) {
    if (error instanceof Refusal) throw new UserError(`${path}: the pickle ${error.message}; nothing was executed.`);
    throw error;
  } finally {
    file.close();
  }
}

/** A persistent id is ('storage', its class, key, device, count of values); the entry of that key holds just these values. */
function storage(path: string, entries: ReadonlyMap<string, ZipEntry>, folder: string, id: unknown): Storage | Opaque {
  const [kind, type, key, , count] = Array.isArray(id) ? id as unknown[] : [];
  if (kind === 'storage' && type instanceof OtherStorage) return new Opaque(type.name);
  if (kind !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string' || !/^\d{1,9}$/.test(key)) {
    throw new Refusal('has a storage that torch.save never writes');
  }
  const entry = entries.get(`${folder}data/${key}`);
  if (!entry) throw new Refusal(`has a storage ${key} that the file does not hold`);
  if (typeof count !== 'number' || count * WIDTHS[type.dtype] !== entry.size) {
    throw new Refusal(`has a storage ${key} of ${String(count)} values, where the file holds ${entry.size} bytes`);
  }
  return new Storage(path, key, type.dtype, entry.from, count);
}

/**
 * How many containers lie in one another in `value`; refuses more than MAX_DEPTH, which loops come to as well, and
 * what is not a TorchValue. Values that are named many times are seen once.
 */
function height(value: unknown, seen: Map<object, number>, depth: number): number {
  if (value === null || value instanceof TorchTensor || value instanceof Opaque || (value instanceof Known && !(value instanceof StorageType))) return 0;
  if (!(Array.isArray(value) || value instanceof Map)) {
    if (typeof value === 'object' || typeof value === 'function') throw new Refusal('holds a class or a storage as a value');
    return 0;
  }
  let found = seen.get(value) ?? 0;
  if (depth + found >= MAX_DEPTH) throw new Refusal(`holds values more than ${MAX_DEPTH} deep`);
  if (!seen.has(value)) {
    for (const item of value.values()) found = Math.max(found, height(item, seen, depth + 1) + 1);
    seen.set(value, found);
  }
  return found;
}

/**
 * The tensors of a state dict inside a checkpoint, by their names.
 * @param value what readTorchFile returned
 * @param keys the dicts to go through, outermost first: `['state_dict']`
 * Throws a UserError that names the key which is missing or holds something else.
 */
export function tensorsOf(value: TorchValue, keys: readonly string[]): Map<string, TorchTensor> {
  const found = at(value, keys);
  const where = keys.join('.');
  if (!(found instanceof Map)) throw new UserError(`The checkpoint's ${where} is not a dict of tensors: is it of this method?`);
  return new Map([...found].map(([name, tensor]) => {
    if (!(tensor instanceof TorchTensor)) {
      throw new UserError(`The checkpoint's ${where} has ${shown(name)}, which is ${tensor instanceof Opaque ? `${tensor.what}, and not read here` : 'not a tensor: is it of this method?'}`);
    }
    return [String(name), tensor];
  }));
}

/**
 * A part of a checkpoint as JSON: its configuration, say. Keys become text, and so do bigints; tensors and what is opaque
 * become words for it, which whoever uses them finds to be no number.
 * @param value what readTorchFile returned
 * @param keys the dicts to go through, outermost first: `['config']`
 * Throws a UserError that names the key which is missing.
 */
export function jsonOf(value: TorchValue, keys: readonly string[]): Json {
  let left = MAX_JSON;
  const wrong = (what: string) => new UserError(`The checkpoint's ${keys.join('.')} holds ${what}: is it of this method?`);
  const convert = (v: TorchValue): Json => {
    if (left-- === 0) throw wrong(`more than ${MAX_JSON} values`);
    if (v instanceof TorchTensor) return `(a tensor [${v.shape}])`;
    if (v instanceof Opaque) return `(${v.what})`;
    if (v instanceof Known) return '(a class)';
    if (Array.isArray(v)) return v.map(convert);
    if (v instanceof Map) return Object.fromEntries([...v].map(([key, item]) => [key, convert(item)]));
    return typeof v === 'bigint' ? String(v) : v;
  };
  return convert(at(value, keys));
}

function at(value: TorchValue, keys: readonly string[]): TorchValue {
  let found = value;
  keys.forEach((key, i) => {
    const next = found instanceof Map ? found.get(key) : undefined;
    if (next === undefined) {
      const held = found instanceof Map ? [...found.keys()].slice(0, 10).map(shown).join(', ') : 'no dict';
      throw new UserError(`The checkpoint has no ${keys.slice(0, i + 1).join('.')}, there is: ${held}. Is it of this method?`);
    }
    found = next;
  });
  return found;
}

/** A key of the file on one line of a message. */
function shown(key: string | number): string {
  return JSON.stringify(key).slice(0, 80);
}
