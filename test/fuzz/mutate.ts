/** Damage to bytes and to JSON, drawn by seed: what breaks on the way, and what somebody would write who means harm. */
import type { Random } from '../../lib/dist/store/random.js';

/** One to five changes. @param seeds other inputs of the format, whose parts are put in */
export function damaged(bytes: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  let out = bytes;
  for (let n = 1 + random.below(5); n > 0; n--) out = change(out, seeds, random);
  return out;
}

const NUMBERS = [0n, 1n, 0xffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x7fffffffffffffffn, 0xffffffffffffffffn, 1n << 40n];

function change(bytes: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  // Headers and footers are short beside the data, and hold what is claimed of it.
  const place = random.below(3), at = bytes.length === 0 ? 0
    : place === 0 ? random.below(Math.min(bytes.length, 256)) : place === 1 ? bytes.length - 1 - random.below(Math.min(bytes.length, 256)) : random.below(bytes.length);
  const put = (middle: Buffer, end: number): Buffer => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
  switch (random.below(8)) {
    case 0: return put(Buffer.from([(bytes[at] ?? 0) ^ (1 << random.below(8))]), at + 1);
    case 1: return bytes.subarray(0, at);
    case 2: return put(Buffer.alloc(0), at + 1 + random.below(32));
    case 3: return put(bytes.subarray(at, at + 1 + random.below(64)), at);
    case 4: {
      const other = seeds[random.below(seeds.length)]!, from = random.below(other.length);
      return put(other.subarray(from, from + 1 + random.below(128)), at + random.below(128));
    }
    case 5: {
      const width = [1, 2, 4, 8][random.below(4)]!, number = Buffer.alloc(8), value = NUMBERS[random.below(NUMBERS.length)]!;
      if (random.below(2)) number.writeBigUInt64LE(value);
      else number.writeBigUInt64BE(value);
      return put(number.subarray(0, width), at + width);
    }
    default: return put(Buffer.from([random.below(256)]), at + 1);
  }
}

const ODD = (random: Random): unknown => [
  null, true, -1, 0, 0.5, 1e308, 2 ** 53, '', 'x', '\0', '\ud800', '../../etc/passwd', '__proto__', 'x'.repeat(100_000), '(a+)+$', '\\p{', [], {}, [[]], { __proto__: null }, ['x', 1, null],
  Array.from({ length: 10_000 }, (_, i) => i),
][random.below(22)];

/** A JSON text with values replaced, taken away, doubled or moved; now and then with its bytes damaged as well. */
export function damagedJson(text: string, random: Random): Buffer {
  const json = JSON.parse(text) as unknown;
  for (let n = 1 + random.below(3); n > 0; n--) {
    // A few steps down, to a value of which something is changed.
    let at: unknown = json;
    for (let depth = random.below(6); depth > 0; depth--) {
      const inside = Object.values(at as object).filter((value) => typeof value === 'object' && value !== null);
      if (inside.length) at = inside[random.below(inside.length)];
    }
    const holder = at as Record<string, unknown>, keys = Object.keys(holder);
    const key = keys[random.below(Math.max(1, keys.length))] ?? 'key';
    switch (random.below(4)) {
      case 0: delete holder[key]; break;
      case 1: holder[`${key}${random.below(2) ? '' : '_'}`] = holder[keys[random.below(Math.max(1, keys.length))]!]; break;
      default: holder[key] = ODD(random);
    }
  }
  const bytes = Buffer.from(random.below(50) ? JSON.stringify(json) : JSON.stringify(ODD(random)));
  return random.below(5) ? bytes : damaged(bytes, [bytes], random);
}
