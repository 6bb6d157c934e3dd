/** IEEE half floats, as 16-bit words: what model weights and published vectors are stored in. */

export function fromHalf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to nearest even; beyond 65,504 infinite. */
export function toHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, (x) => {
    const sign = (x >>> 16) & 0x8000, exponent = ((x >>> 23) & 255) - 127, fraction = x & 0x7fffff;
    if (exponent === 128) return sign | 0x7c00 | (fraction ? 0x200 : 0);
    if (exponent > 15) return sign | 0x7c00;
    if (exponent < -25) return sign;
    // Below 2^-14 halves are subnormal: the implicit one moves into the fraction.
    const shift = exponent < -14 ? 13 - 14 - exponent : 13;
    const full = exponent < -14 ? fraction | 0x800000 : fraction | ((exponent + 15) << 23);
    const down = full >>> shift, rest = full & ((1 << shift) - 1), half = 1 << (shift - 1);
    return sign | (down + (rest > half || (rest === half && (down & 1)) ? 1 : 0));
  });
}
