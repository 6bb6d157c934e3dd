/** Between tensors and the arrays that checkpoints hold. */
import type { NamedArray } from '../store/safetensors.js';
import { tf, type Tensor } from './tensorflow.js';

export function toArray(tensor: Tensor): NamedArray {
  return { shape: [...tensor.shape], data: tensor.dataSync() as Float32Array | Int32Array };
}
export function toTensor({ shape, data }: NamedArray): Tensor {
  return tf.keep(tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'));
}
