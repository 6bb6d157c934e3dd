/**
 * Weight matrices that are not trained. For our kernels they are packed once for our own product (native/weights.h): faster
 * than TensorFlow's, the same bits for a row whatever else is in the batch, and half as large where bfloat16 holds the
 * values. A packed matrix [in, out] is a tensor of rank 3; where the width does not suit, a matrix stays as it is. On a GPU
 * matrices keep their shape, and bfloat16 where it holds the values: a product widens it on the way.
 */
import type { EngineAttribute } from './binding.js';
import { kernels } from './kernels.js';
import { backend, tf, usesKernels, type Tensor } from './tensorflow.js';

/** Columns of a panel: both sides of a packed matrix are multiples of it. */
const PANEL = 16;

export interface Packing {
  /** The matrix is given as [out, in]: an embedding [V, h], read as the output head. */
  transposed?: boolean;
  /** Values are kept as bfloat16, rounded to the nearest where they are not. */
  half?: boolean;
}

/** Matrices on a GPU that are frozen, and whether they are bfloat16, a type for which tfjs has no name: to it they are float32. */
const onDevice = new WeakMap<object, { half: boolean }>();

/** A plain matrix that our product could read. */
export const packable = (w: Tensor): boolean => usesKernels && w.rank === 2 && w.shape.every((n) => n % PANEL === 0);

/** The packed matrix, or the matrix itself where packing does not apply; kept, and `w` is gone unless it is the result. */
export function freeze(w: Tensor, { transposed = false, half = false }: Packing = {}): Tensor {
  if (usesKernels ? !packable(w) : w.rank !== 2) return tf.keep(w);
  const result = tf.keep(usesKernels ? kernels.pack(w, transposed, half) : half ? narrow(w) : w);
  if (!usesKernels) onDevice.set(result.dataId, { half });
  if (result !== w) w.dispose();
  return result;
}

export const isFrozen = (w: Tensor): boolean => (usesKernels ? w.rank === 3 : onDevice.has(w.dataId));

/** The values of a weight as they were before it was packed, in memory of their own; a plain weight is copied. */
export function thaw(w: Tensor, transposed = false): Tensor {
  // A product, since a clone shares the memory, which an optimiser writes to.
  return usesKernels && isFrozen(w) ? kernels.unpack(w, transposed) : widen(w).mul(1);
}

/** TensorFlow's number of the type. */
const BFLOAT16 = 14;
const isHalf = (w: Tensor): boolean => onDevice.get(w.dataId)?.half === true;
const type = (name: string, value: number): EngineAttribute => ({ name, type: backend.binding.TF_ATTR_TYPE, value });

function narrow(w: Tensor): Tensor {
  const { binding } = backend;
  const [out] = binding.executeOp('Cast', [type('SrcT', binding.TF_FLOAT), type('DstT', BFLOAT16)], backend.getInputTensorIds([w]), 1);
  const tensor = backend.createOutputTensor({ ...out!, dtype: binding.TF_FLOAT });
  backend.tensorMap.get(tensor.dataId).dtype = BFLOAT16;
  return tensor;
}

/** A matrix on a GPU as float32. */
export const widen = (w: Tensor): Tensor =>
  (isHalf(w) ? backend.executeSingleOutput('Cast', [type('SrcT', BFLOAT16), type('DstT', backend.binding.TF_FLOAT)], [w]) : w);

/** Rows of a tensor, float32 for those of a matrix on a GPU: ids [N] int32 -> [N, ...]. No gradient; no look at the ids, as tfjs's own gather takes. */
export function rowsOf(w: Tensor, ids: Tensor): Tensor {
  const { binding } = backend, int = binding.TF_INT32, half = isHalf(w);
  const inputs = backend.getInputTensorIds([w, ids, tf.scalar(0, 'int32')]);
  const [picked] = binding.executeOp('GatherV2', [type('Tparams', half ? BFLOAT16 : binding.TF_FLOAT), type('Tindices', int), type('Taxis', int)], inputs, 1);
  if (!half) return backend.createOutputTensor(picked!);
  const [wide] = binding.executeOp('Cast', [type('SrcT', BFLOAT16), type('DstT', binding.TF_FLOAT)], [picked!.id], 1);
  binding.deleteTensor(picked!.id);
  return backend.createOutputTensor(wide!);
}
