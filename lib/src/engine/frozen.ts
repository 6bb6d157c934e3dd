/**
 * Weight matrices that are not trained, packed once for our own product (native/weights.h): faster than TensorFlow's, the
 * same bits for a row whatever else is in the batch, and half as large where bfloat16 holds the values. A packed matrix
 * [in, out] is a tensor of rank 3. A GPU has no need of it: there, and where the width does not suit, a matrix stays as it is.
 */
import { kernels } from './kernels.js';
import { tf, usesKernels, type Tensor } from './tensorflow.js';

/** Columns of a panel: both sides of a packed matrix are multiples of it. */
const PANEL = 16;

export interface Packing {
  /** The matrix is given as [out, in]: an embedding [V, h], read as the output head. */
  transposed?: boolean;
  /** Values are kept as bfloat16, rounded to the nearest where they are not. */
  half?: boolean;
}

/** A plain matrix that our product could read. */
export const packable = (w: Tensor): boolean => usesKernels && w.rank === 2 && w.shape.every((n) => n % PANEL === 0);

/** The packed matrix, or the matrix itself where packing does not apply; kept, and `w` is gone unless it is the result. */
export function freeze(w: Tensor, { transposed = false, half = false }: Packing = {}): Tensor {
  if (!packable(w)) return tf.keep(w);
  const packed = tf.keep(kernels.pack(w, transposed, half));
  w.dispose();
  return packed;
}

export const isFrozen = (w: Tensor): boolean => w.rank === 3;

/** The values of a weight as they were before it was packed, in memory of their own; a plain weight is copied. */
export function thaw(w: Tensor, transposed = false): Tensor {
  // A product, since a clone shares the memory, which an optimiser writes to.
  return isFrozen(w) ? kernels.unpack(w, transposed) : w.mul(1);
}
