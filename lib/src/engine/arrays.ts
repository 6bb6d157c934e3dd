/** Between tensors and the arrays that checkpoints hold. */
import type { NamedArray } from '../store/safetensors.js';
import { tf, type Tensor } from './tensorflow.js';

export function toArray(tensor: Tensor): NamedArray {
  return { shape: [...tensor.shape], data: tensor.dataSync() as Float32Array | Int32Array };
}
export function toTensor({ shape, data }: NamedArray): Tensor {
  return tf.keep(tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'));
}

/** Vectors as the rows of a tensor: [R, d]. */
export function toRows(vectors: readonly Float32Array[]): Tensor {
  const width = vectors[0]!.length, all = new Float32Array(vectors.length * width);
  vectors.forEach((v, i) => all.set(v, i * width));
  return tf.tensor2d(all, [vectors.length, width]);
}
