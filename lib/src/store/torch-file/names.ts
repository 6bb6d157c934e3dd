/**
 * Every Python name that a checkpoint may use, with what it builds here. Nothing else is known to the pickle machine,
 * and no function here does more than put values together.
 */
import type { StoredType } from '../binary-file.js';
import { Attributes, Known, OrderedDict, Refusal } from './pickle.js';
import { Storage, TorchTensor } from './tensor.js';

/** The class of a storage, which says the type of its values. */
export class StorageType extends Known {
  constructor(readonly dtype: StoredType) {
    super();
  }
}

/** More axes than PyTorch allows. */
const MAX_AXES = 64;
/** Characters of a path. */
const MAX_PATH = 4096;

export const NAMES: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['collections.OrderedDict', new Known((args) => empty(args, new OrderedDict()))],
  ['argparse.Namespace', new Known((args) => empty(args, new Attributes()))],
  // Under argparse's `type=Path`; Python 3.13 moved the classes.
  ...['pathlib', 'pathlib._local'].flatMap((module) =>
    ['PosixPath', 'WindowsPath'].map((name) => [`${module}.${name}`, new Known(path)] as const)),
  ['torch.Size', new Known(([sizes]) => numbers(sizes))],
  ['torch._utils._rebuild_tensor_v2', new Known(([storage, offset, shape, strides]) => {
    if (!(storage instanceof Storage) || typeof offset !== 'number') {
      throw new Refusal('makes a tensor of something that is no storage');
    }
    return new TorchTensor(storage, offset, numbers(shape), numbers(strides));
  })],
  ['torch._utils._rebuild_parameter', new Known(([tensor]) => {
    if (!(tensor instanceof TorchTensor)) throw new Refusal('makes a parameter of something that is no tensor');
    return tensor;
  })],
  ['torch.FloatStorage', new StorageType('F32')],
  ['torch.HalfStorage', new StorageType('F16')],
  ['torch.BFloat16Storage', new StorageType('BF16')],
  ['torch.DoubleStorage', new StorageType('F64')],
  ['torch.IntStorage', new StorageType('I32')],
  ['torch.LongStorage', new StorageType('I64')],
]);

/** @param made itself, when it is asked for without arguments, as Python writes it: what it holds comes after */
function empty(args: unknown[], made: unknown): unknown {
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
