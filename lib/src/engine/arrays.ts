/** Between tensors and the arrays that checkpoints hold. */
import type { NamedArray } from '../store/safetensors.js';
import { tf, tidy, type Tensor } from './tensorflow.js';

export function toArray(tensor: Tensor): NamedArray {
  return { shape: [...tensor.shape], data: tensor.dataSync() as Float32Array | Int32Array };
}
/** The array stays the tensor's memory where TensorFlow can use it: whatever writes into a tensor takes `owned` first. */
export function toTensor({ shape, data }: NamedArray): Tensor {
  return tf.keep(tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'));
}

/** The same values, kept, in memory that nobody else has; `t` is gone. */
export function owned(t: Tensor): Tensor {
  const copy = tf.keep(t.mul(1));
  t.dispose();
  return copy;
}

/** Vectors as the rows of a tensor: [R, d]. */
export function toRows(vectors: readonly Float32Array[]): Tensor {
  const width = vectors[0]!.length, all = new Float32Array(vectors.length * width);
  vectors.forEach((v, i) => all.set(v, i * width));
  return tf.tensor2d(all, [vectors.length, width]);
}

/** Values made here at once: of a large tensor made whole, JavaScript's copy would stay until it is collected. */
const PIECE = 1 << 22;

/** A kept tensor of the values that `next` gives, in order, in memory of its own. */
export function filled(shape: number[], next: () => number): Tensor {
  const size = shape.reduce((n, d) => n * d, 1);
  return tidy(() => {
    const pieces = Array.from({ length: Math.ceil(size / PIECE) }, (_, i) => {
      const values = new Float32Array(Math.min(PIECE, size - i * PIECE));
      for (let j = 0; j < values.length; j++) values[j] = next();
      // The sum takes the values over now, not when they are first used.
      return tf.tensor1d(values).add(0);
    });
    return tf.keep((pieces.length > 1 ? tf.concat(pieces) : pieces[0]!).reshape(shape));
  });
}
