/**
 * Every Python name that a checkpoint may use, with what it builds here: weights and plain values, and what training
 * scripts put beside them, which stays opaque. Nothing else is known to the pickle machine, and no function here does more
 * than put values together.
 */
import type { StoredType } from '../binary-file.js';
import { Attributes, Known, type Names, Opaque, OrderedDict, Refusal } from './pickle.js';
import { Storage, TorchTensor } from './tensor.js';

/** The class of a storage, which says the type of its values. */
export class StorageType extends Known {
  constructor(readonly dtype: StoredType) {
    super();
  }
}
/** A storage of a type that no weight has here: a mask, a state of the random numbers. */
export class OtherStorage extends Known {
  constructor(readonly name: string) {
    super();
  }
}

/** More axes than PyTorch allows. */
const MAX_AXES = 64;
/** Characters of a path. */
const MAX_PATH = 4096;

/** Called or not, it is no more than its name. */
const opaque = (name: string) => [name, new Known(() => new Opaque(name))] as const;
const NUMPY = ['numpy.core', 'numpy._core'];
const list = new Known(([items = []]) => (Array.isArray(items) ? [...items as unknown[]] : empty([items], [])));

export const NAMES: Names = new Map<string, Known | Opaque>([
  ['collections.OrderedDict', new Known((args) => empty(args, new OrderedDict()))],
  ['argparse.Namespace', new Known((args) => empty(args, new Attributes()))],
  // Under argparse's `type=Path`; Python 3.13 moved the classes.
  ...['pathlib', 'pathlib._local'].flatMap((module) =>
    ['PosixPath', 'WindowsPath'].map((name) => [`${module}.${name}`, new Known(path)] as const)),
  ['torch.Size', new Known(([sizes]) => numbers(sizes))],
  ['torch._utils._rebuild_tensor_v2', new Known(([storage, offset, shape, strides]) => {
    if (storage instanceof Opaque) return new Opaque(`a tensor of ${storage.what}`);
    if (!(storage instanceof Storage) || typeof offset !== 'number') {
      throw new Refusal('makes a tensor of something that is no storage');
    }
    return new TorchTensor(storage, offset, numbers(shape), numbers(strides));
  })],
  ['torch._utils._rebuild_parameter', new Known(([tensor]) => {
    if (!(tensor instanceof TorchTensor || tensor instanceof Opaque)) throw new Refusal('makes a parameter of something that is no tensor');
    return tensor;
  })],
  ['torch.FloatStorage', new StorageType('F32')],
  ['torch.HalfStorage', new StorageType('F16')],
  ['torch.BFloat16Storage', new StorageType('BF16')],
  ['torch.DoubleStorage', new StorageType('F64')],
  ['torch.IntStorage', new StorageType('I32')],
  ['torch.LongStorage', new StorageType('I64')],
  ...['Bool', 'Byte', 'Char', 'Short', 'ComplexFloat', 'ComplexDouble', 'QInt8', 'QUInt8', 'QInt32'].map((type) => [`torch.${type}Storage`, new OtherStorage(`torch.${type}Storage`)] as const),
  ...['float64', 'float32', 'float16', 'bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'int64', 'int32', 'int16', 'int8', 'uint8', 'uint16', 'uint32', 'uint64', 'bool', 'complex64', 'complex128']
    .map((type) => [`torch.${type}`, new Opaque(`torch.${type}`)] as const),
  ...['torch.device', 'torch.serialization._get_layout', 'torch.Generator'].map(opaque),
  ...NUMPY.flatMap((core) => [`${core}.multiarray.scalar`, `${core}.multiarray._reconstruct`, `${core}.numeric._frombuffer`]).map(opaque),
  ...['numpy.dtype', 'numpy.ndarray'].map(opaque),
  ...['datetime.datetime', 'datetime.date', 'datetime.timedelta', 'decimal.Decimal', 'uuid.UUID', '_codecs.encode'].map(opaque),
  // What a dict makes of missing keys is no part of it.
  ['collections.defaultdict', new Known(() => new OrderedDict())],
  ['collections.Counter', new Known(([counts = new Map()]) => (counts instanceof Map ? new OrderedDict(counts) : empty([counts], [])))],
  // Protocol 2 writes Python 2's name of the module.
  ...['builtins', '__builtin__'].flatMap((module) => [
    ...['set', 'frozenset'].map((name) => [`${module}.${name}`, list] as const),
    ...['bytearray', 'complex', 'range', 'slice', 'int', 'long', 'float', 'str', 'bool', 'list', 'dict', 'tuple', 'bytes'].map((name) => opaque(`${module}.${name}`)),
  ]),
  ['collections.deque', list],
]);

/** @param made itself, when it is asked for without arguments, as Python writes it: what it holds comes after */
function empty<T>(args: unknown[], made: T): T {
  if (args.length) throw new Refusal('makes a dict or an object out of arguments');
  return made;
}

/** A copy: the pickle may still append to its own. */
function numbers(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > MAX_AXES || !value.every((n) => typeof n === 'number')) {
    throw new Refusal('has a tensor whose shape is not of numbers');
  }
  return [...value] as number[];
}

/** The parts joined, a root among them as it is. */
function path(parts: unknown[]): string {
  let joined = '';
  for (const part of parts) {
    if (typeof part !== 'string' || joined.length + part.length > MAX_PATH) throw new Refusal('has a path that is none');
    joined += (joined && !/[/\\]$/.test(joined) ? '/' : '') + part;
  }
  return joined;
}
