/**
 * Small values that JavaScript hands to TensorFlow over and over (scalars, shapes, axes) are sent once and then read where
 * they lie: to a GPU each sending costs as much as an op, and may wait for all that was issued before. Only where nothing
 * writes into a tensor: our CPU kernels do.
 */
import { withCalls, type Binding } from './binding.js';

/** The longest shape or permutation; longer lists are data. */
const MOST_VALUES = 6;
/** Different values that are kept; what comes after is sent each time. */
const MOST_KEPT = 8192;

export interface SmallValue {
  dtype: number;
  shape: readonly number[];
  values: readonly number[];
}

const kept = new Map<number, SmallValue>();

/** How many there are: one more after what was sent for the first time. */
export const smallValues = (): number => kept.size;

/** The value that a tensor holds, where it is one of those that are kept. */
export const smallValueOf = (id: number): SmallValue | undefined => kept.get(id);

/** A binding that sends small values once. */
export function sendingOnce(binding: Binding): Binding {
  const ids = new Map<string, number>();
  return withCalls(binding, {
    createTensor: (shape, dtype, values) => {
      if (values.length > MOST_VALUES || (dtype !== binding.TF_FLOAT && dtype !== binding.TF_INT32)) return binding.createTensor(shape, dtype, values);
      const list = Array.from(values, Number);
      const key = [dtype, shape.join(), ...list.map((v) => (Object.is(v, -0) ? '-0' : v))].join(' ');
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = binding.createTensor(shape, dtype, values);
      if (kept.size < MOST_KEPT) {
        ids.set(key, id);
        kept.set(id, { dtype, shape: [...shape], values: list });
      }
      return id;
    },
    deleteTensor: (id) => { if (!kept.has(id)) binding.deleteTensor(id); },
  });
}
