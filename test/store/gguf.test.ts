/** GGUF against the `gguf` package (test/fixtures/gguf/make.py), to the last bit; and files that are not what they say. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../lib/dist/store/errors.js';
import { openGguf } from '../../lib/dist/store/gguf/gguf.js';
import { Random } from '../../lib/dist/store/random.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';

const fixtures = 'test/fixtures/gguf', folder = mkdtempSync(join(tmpdir(), 'gguf-'));
after(() => rmSync(folder, { recursive: true }));
const bits = (values: Float32Array | Int32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

test('all formats are dequantised as by the gguf package, bit by bit', () => {
  const file = openGguf(join(fixtures, 'formats.gguf')), { tensors: expected } = readSafetensors(join(fixtures, 'formats.safetensors'));
  assert.deepEqual([...file.tensors.keys()].sort(), ['bf16', 'f16', 'f32', 'q4_0', 'q4_1', 'q4_k', 'q5_0', 'q5_1', 'q5_k', 'q6_k', 'q8_0']);
  for (const [name, { format }] of file.tensors) {
    const { shape, data } = file.read(name), made = expected.get(name)!;
    assert.equal(format.name.toLowerCase(), name);
    assert.deepEqual(shape, made.shape);
    assert.deepEqual(bits(data), bits(made.data), name);
  }
  file.close();
});

/** A GGUF written by hand, byte by byte. */
class Written {
  readonly parts: Buffer[] = [];
  u32(value: number): this { const b = Buffer.alloc(4); b.writeUInt32LE(value); this.parts.push(b); return this; }
  u64(value: number | bigint): this { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); this.parts.push(b); return this; }
  text(value: string): this { this.u64(Buffer.byteLength(value)); this.parts.push(Buffer.from(value)); return this; }
  begin(tensors: number | bigint, values: number | bigint, version = 3): this { this.parts.push(Buffer.from('GGUF')); return this.u32(version).u64(tensors).u64(values); }
  /** `type` 0 is F32. */
  tensor(name: string, shape: readonly (number | bigint)[], offset: number, type = 0): this {
    this.text(name).u32(shape.length);
    shape.forEach((n) => this.u64(n));
    return this.u32(type).u64(offset);
  }
  file(data = 0): string {
    const head = Buffer.concat(this.parts), path = join(folder, `${this.parts.length}-${Math.random()}.gguf`);
    writeFileSync(path, Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32 + data)]));
    return path;
  }
}
const refuses = (path: string, pattern: RegExp) => assert.throws(() => openGguf(path).close(), (error: unknown) => {
  assert.ok(error instanceof UserError && !error.message.includes('\n') && error.message.includes(path), String((error as Error).stack));
  assert.match(error.message, pattern);
  return true;
});

test('what is well written is read, whatever its alignment', () => {
  const made = new Written().begin(2, 1).text('general.alignment').u32(4).u32(64).tensor('a', [4, 2], 0).tensor('b', [3], 64);
  const size = made.parts.reduce((n, part) => n + part.length, 0), path = made.file();
  writeFileSync(path, Buffer.concat([...made.parts, Buffer.alloc(64 * Math.ceil(size / 64) - size), Buffer.from(new Float32Array(19).map((_, i) => i).buffer)]));
  const file = openGguf(path);
  assert.deepEqual(file.read('a'), { shape: [2, 4], data: Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]) });
  assert.deepEqual(file.read('b'), { shape: [3], data: Float32Array.from([16, 17, 18]) });
  assert.throws(() => file.read('c'), /lacks the tensor c/);
  file.close();
});

test('absurd, overlapping, misaligned and unread files are refused in one line', () => {
  refuses(new Written().text('no gguf at all, but long enough').file(), /no GGUF file/);
  refuses(new Written().begin(0, 0, 2).file(), /GGUF of version 2/);
  refuses(new Written().begin(2n ** 60n, 0).file(), /claims \d+ tensors/);
  refuses(new Written().begin(0, 2n ** 63n).file(), /claims \d+ metadata values/);
  refuses(new Written().begin(0, 1).u64(2n ** 62n).file(64), /a text of \d+ bytes/);
  refuses(new Written().begin(0, 1).text('list').u32(9).u32(4).u64(2n ** 40n).file(), /claims \d+ values of a list/);
  refuses(new Written().begin(0, 1).text('list').u32(9).u32(0).u64(2 ** 23 + 1).file(2 ** 23 + 100), /a list of 8388609 values/);
  refuses(new Written().begin(0, 1).text('lists').u32(9).u32(9).u64(1).u32(9).u64(1).u32(9).u64(0).file(64), /lists in lists/);
  refuses(new Written().begin(0, 1).text('x').u32(99).file(32), /metadata of type 99/);
  refuses(new Written().begin(0, 1).text('general.alignment').u32(4).u32(0).file(), /its alignment is 0/);
  refuses(new Written().begin(0, 2).text('x').u32(4).u32(1).text('x').u32(4).u32(1).file(), /has "x" twice/);
  refuses(new Written().begin(2, 0).tensor('a', [8], 0).tensor('a', [8], 32).file(64), /the tensor "a" twice/);
  refuses(new Written().begin(2, 0).tensor('a', [16], 0).tensor('b', [8], 32).file(96), /"b" overlaps/);
  refuses(new Written().begin(1, 0).tensor('a', [8], 16).file(96), /"a" is not aligned/);
  refuses(new Written().begin(1, 0).tensor('a', [64], 0).file(128), /"a" lies outside the file/);
  refuses(new Written().begin(1, 0).tensor('a', [2n ** 50n, 2n ** 50n], 0).file(128), /"a" is of shape/);
  refuses(new Written().begin(1, 0).tensor('a', [0], 0).file(128), /"a" is of shape/);
  refuses(new Written().begin(1, 0).tensor('a', [1, 1, 1, 1, 1], 0).file(128), /5 dimensions/);
  refuses(new Written().begin(1, 0).tensor('a', [48], 0, 8).file(128), /no whole blocks of Q8_0/);
  refuses(new Written().begin(1, 0).tensor('a', [256], 0, 10).file(128), /"a" is stored as Q2_K, which is not read here/);
  refuses(new Written().begin(1, 0).tensor('a', [256], 0, 77).file(128), /stored as type 77/);
});

test('cut off anywhere it is refused; a changed byte is refused or read, in bounded time and memory', () => {
  const whole = readFileSync(join(fixtures, 'llama.gguf')), path = join(folder, 'damaged.gguf'), seed = Date.now(), random = new Random(seed);
  console.log(`damage: seed ${seed}`);
  for (const at of [0, 3, 23, 24, 40, 200, 1000, whole.length - 4097, ...Array.from({ length: 100 }, () => random.below(whole.length - 64))]) {
    writeFileSync(path, whole.subarray(0, at));
    refuses(path, /no GGUF file|ends early|outside the file|claims/);
  }
  for (let i = 0; i < 500; i++) {
    const changed = Buffer.from(whole);
    // The header, where lengths and types are.
    changed[random.below(3000)] = random.below(256);
    writeFileSync(path, changed);
    try {
      const file = openGguf(path);
      for (const name of file.tensors.keys()) file.read(name);
      file.close();
    } catch (error) {
      assert.ok(error instanceof UserError && !error.message.includes('\n'), String((error as Error).stack));
    }
  }
});
