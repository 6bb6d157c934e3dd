/**
 * Vectors as lists of IEEE half floats. The parquet encoder takes each value as two bytes; there are only 65,536 of
 * them, so each is made once and shared, where the encoder's own conversion makes several objects for every value.
 */
const bytesOf: Uint8Array[] = [];
const float = new Float32Array(1), bits = new Uint32Array(float.buffer);

/** The two little-endian bytes of each value, rounded to nearest even; beyond 65,504 infinite. */
export function halves(vector: Float32Array): Uint8Array[] {
  return Array.from(vector, (value) => {
    const half = toHalf(value);
    return bytesOf[half] ??= Uint8Array.of(half & 255, half >> 8);
  });
}

function toHalf(value: number): number {
  float[0] = value;
  const word = bits[0]!, sign = (word >>> 16) & 0x8000, magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // 65,520 lies midway between the largest half and the next power of two.
  if (magnitude >= 65520) return sign | 0x7c00;
  // The step between neighbouring halves is 2^-24 near zero, else 2^-10 of the power of two below.
  const exponent = Math.max(-14, ((word >>> 23) & 255) - 127);
  const steps = magnitude / 2 ** (exponent - 10), floor = Math.floor(steps), rest = steps - floor;
  const rounded = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  // Adding lets a carry from rounding run into the exponent; a number below 2^-14 has no implicit one.
  return sign | (rounded + (exponent + 14) * 1024);
}
