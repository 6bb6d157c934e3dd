/** A tensor of a checkpoint: a view of a storage, which is one entry of the zip, read from disk when it is asked for. */
import { BinaryFile, type StoredType, WIDTHS } from '../binary-file.js';
import type { NamedArray } from '../safetensors.js';
import { Refusal } from './pickle.js';

/** A run of values in the file, which several tensors may share. */
export class Storage {
  /**
   * @param key its name in the checkpoint: a number
   * @param from first byte, from the start of the file
   * @param count values
   */
  constructor(
    readonly path: string, readonly key: string, readonly dtype: StoredType, readonly from: number, readonly count: number,
  ) {}
}

export class TorchTensor {
  readonly shape: readonly number[];
  readonly #strides: readonly number[];
  readonly #storage: Storage;
  readonly #offset: number;
  readonly #count: number;
  /** Values of the storage from the first that is used to the last. */
  readonly #span: number;

  /**
   * @param offset of the first element in the storage, in values
   * @param strides values between neighbours along each axis
   * Throws a Refusal when it does not lie within its storage, or has more elements than that.
   */
  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    const sizes = [offset, ...shape, ...strides];
    if (shape.length !== strides.length || !sizes.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      throw new Refusal('has a tensor whose shape is not of whole numbers');
    }
    this.#count = shape.reduce((a, b) => a * b, 1);
    this.#span = this.#count && shape.reduce((last, d, i) => last + (d - 1) * strides[i]!, 1);
    // The count as well: strides of 0 would make any number of elements out of one value.
    // Asked this way round, so that what is no number at all is refused too.
    if (!(this.#count <= storage.count && offset + this.#span <= storage.count)) {
      throw new Refusal(`has a tensor [${shape}] that does not fit its storage ${storage.key} of ${storage.count} values`);
    }
    this.shape = shape;
    this.#strides = strides;
    this.#storage = storage;
    this.#offset = offset;
  }

  /** How the file stores it; floats of every width are read as float32. */
  get dtype(): StoredType {
    return this.#storage.dtype;
  }

  /** Throws a UserError when the file is gone or shorter by now, or holds integers of more than 32 bits. */
  read(): NamedArray {
    const { path, key, dtype, from } = this.#storage;
    const file = new BinaryFile(path);
    try {
      const span = file.values(from + this.#offset * WIDTHS[dtype], this.#span, dtype, `of storage ${key}`);
      return { shape: [...this.shape], data: this.#isContiguous() ? span : this.#gather(span) };
    } finally {
      file.close();
    }
  }

  /** In C order, with nothing between the elements. */
  #isContiguous(): boolean {
    let expected = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.#strides[i] !== expected) return false;
      expected *= this.shape[i]!;
    }
    return true;
  }

  /** The elements in C order, out of the span of storage that they are spread over. */
  #gather(span: NamedArray['data']): NamedArray['data'] {
    const { shape } = this, strides = this.#strides, inner = shape.length - 1;
    const out = span instanceof Int32Array ? new Int32Array(this.#count) : new Float32Array(this.#count);
    const index = shape.map(() => 0);
    let from = 0;
    for (let at = 0; at < out.length;) {
      for (let i = 0; i < shape[inner]!; i++) out[at++] = span[from + i * strides[inner]!]!;
      // The next row: the last outer axis that is not at its end goes on, those after it start again.
      for (let axis = inner - 1; axis >= 0; axis--) {
        from += strides[axis]!;
        if (++index[axis]! < shape[axis]!) break;
        from -= shape[axis]! * strides[axis]!;
        index[axis] = 0;
      }
    }
    return out;
  }
}
