/**
 * Vectors as lists of IEEE half floats. The parquet encoder takes each value as two bytes; there are only 65,536 of
 * them, so each is made once and shared, where the encoder's own conversion makes several objects for every value.
 */
import { toHalves } from '../../store/half.js';

const bytesOf: Uint8Array[] = [];

/** The two little-endian bytes of each value. */
export function halves(vector: Float32Array): Uint8Array[] {
  return Array.from(toHalves(vector), (half) => bytesOf[half] ??= Uint8Array.of(half & 255, half >> 8));
}
