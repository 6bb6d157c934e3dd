/**
 * safetensors files read and written by numpy as the format's definition says, halves rounded as numpy rounds them, and
 * headers that claim what is not there.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeFileAtomic } from '../../lib/dist/store/atomic.js';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
after(() => { rmSync(folder, { recursive: true }); });

const python = '.venv/bin/python';

const reader = `
import json, struct, sys
import numpy as np
raw = open(sys.argv[1], 'rb').read()
n = struct.unpack('<Q', raw[:8])[0]
header = json.loads(raw[8:8 + n]); header.pop('__metadata__', None)
out = {}
for name, t in header.items():
    a, b = t['data_offsets']
    out[name] = np.frombuffer(raw[8 + n + a:8 + n + b], {'F32': '<f4', 'F16': '<f2', 'I32': '<i4'}[t['dtype']]).reshape(t['shape'])
x = np.array(json.loads(sys.argv[2]), dtype=np.float32)
with np.errstate(over='ignore'):
    print(json.dumps({'same': bool((out['x'].view(np.uint16) == x.astype(np.float16).view(np.uint16)).all()), 'i': out['i'].tolist()}))
`;

test('numpy reads the same values, bit for bit', () => {
  const values = [0, 1, -1, 1 / 3, 65504, 65519, 65520, 1e6, -1e9, 6e-8, 5.9e-8, 2.98e-8, 3e-8, 6.1e-5, 6.09e-5, 1e-30, 2049, 2051, 0.1, 1e-4, 1e-5, 1e-6,
    ...Array.from({ length: 2000 }, (_, i) => Math.sin(i) * 2 ** (i % 45 - 28))];
  const path = join(folder, 'x.safetensors');
  const data = Float32Array.from(values);
  writeSafetensors(path, new Map([['x', { shape: [data.length], data }], ['i', { shape: [2], data: Int32Array.of(-5, 7) }]]), 'F16');
  const seen = JSON.parse(execFileSync(python, ['-c', reader, path, JSON.stringify([...data])], { encoding: 'utf8' })) as { same: boolean; i: number[] };
  assert.deepEqual(seen, { same: true, i: [-5, 7] });
});

test('what is written in full precision is read back exactly', () => {
  const path = join(folder, 'y.safetensors');
  const data = Float32Array.from([1.5, Number.NaN, -3e-39]);
  writeSafetensors(path, new Map([['y', { shape: [3, 1], data }]]), 'F32', { note: 'ü' });
  const { tensors, metadata } = readSafetensors(path);
  assert.deepEqual(tensors.get('y'), { shape: [3, 1], data });
  assert.equal(metadata['note'], 'ü');
  // Data begins at a multiple of 8 bytes, which a letter of two bytes must not shift.
  assert.equal(readFileSync(path).readBigUInt64LE() % 8n, 0n);
});

const writer = `
import json, struct, sys
import numpy as np
words = np.arange(65536, dtype=np.uint16)
tensors = {
    'F16': words, 'BF16': words, 'F64': np.array([1 / 3, -0.0, 1e300, 5e-324, np.inf]),
    'I64': np.array([[-2**31], [2**31 - 1], [-1]], dtype=np.int64), 'wide': np.array([0, 2**31], dtype=np.int64),
    'low': np.array([-2**31 - 1], dtype=np.int64), 'scalar': np.array(7, dtype=np.int64), 'empty': np.zeros((0, 4)),
}
header, data = {}, b''
for name, t in tensors.items():
    dtype = name if name in ('F16', 'BF16') else 'F64' if t.dtype == np.float64 else 'I64'
    header[name] = {'dtype': dtype, 'shape': t.shape, 'data_offsets': [len(data), len(data) + t.nbytes]}
    data += t.tobytes()
text = json.dumps(header).encode()
open(sys.argv[1], 'wb').write(struct.pack('<Q', len(text)) + text + data)
with np.errstate(all='ignore'):
    expected = [words.view(np.float16).astype('f4'), (words.astype('u4') << 16).view('f4'), tensors['F64'].astype('f4')]
open(sys.argv[2], 'wb').write(b''.join(e.tobytes() for e in expected))
`;

test('every half and bfloat16, doubles and 64-bit integers are what numpy makes of them', () => {
  const path = join(folder, 'types.safetensors'), floats = join(folder, 'floats');
  execFileSync(python, ['-c', writer, path, floats]);
  const file = openSafetensors(path);
  const expected = new Float32Array(Uint8Array.from(readFileSync(floats)).buffer);
  // One NaN is as good as another; a negative zero is not a zero.
  const same = (name: string, from: number, to: number) => {
    const { data } = file.read(name);
    assert.equal(data.length, to - from);
    assert.equal(data.findIndex((v, i) => !Object.is(v, expected[from + i])), -1, name);
  };
  same('F16', 0, 65536);
  same('BF16', 65536, 2 * 65536);
  same('F64', 2 * 65536, expected.length);
  assert.deepEqual(file.read('I64'), { shape: [3, 1], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, -1) });
  assert.deepEqual(file.read('scalar'), { shape: [], data: Int32Array.of(7) });
  assert.deepEqual(file.read('empty'), { shape: [0, 4], data: new Float32Array() });
  assert.deepEqual([...file.entries.keys()], ['F16', 'BF16', 'F64', 'I64', 'wide', 'low', 'scalar', 'empty']);
  assert.equal(file.entries.get('BF16')?.dtype, 'BF16');
  assert.deepEqual(file.entries.get('I64')?.shape, [3, 1]);
  for (const name of ['wide', 'low']) {
    assert.throws(() => file.read(name), { name: 'UserError', message: new RegExp(`tensor ${name} holds integers of more than 32 bits`) });
  }
  assert.throws(() => file.read('none'), { name: 'UserError', message: /has no tensor none/ });
  file.close();
});

test('tensors longer than the pieces they are read and written in', () => {
  const path = join(folder, 'long.safetensors');
  const data = Float32Array.from({ length: 4_200_001 }, (_, i) => i % 2039), after = Int32Array.of(1, 2, 3);
  for (const dtype of ['F16', 'F32'] as const) {
    writeSafetensors(path, new Map([['long', { shape: [data.length], data }], ['after', { shape: [3], data: after }]]), dtype);
    const { tensors } = readSafetensors(path);
    assert.ok(Buffer.from(tensors.get('long')!.data.buffer).equals(Buffer.from(data.buffer)), dtype);
    assert.deepEqual(tensors.get('after')!.data, after);
  }
});

test('a write that fails between its pieces leaves what was there', () => {
  const path = join(folder, 'pieces', 'x');
  writeFileAtomic(path, [Buffer.from('one '), Buffer.from('two')]);
  assert.throws(() => {
    writeFileAtomic(path, (function* () {
      yield Buffer.from('three');
      throw new Error('no more');
    })());
  }, /no more/);
  assert.equal(readFileSync(path, 'utf8'), 'one two');
  assert.deepEqual(readdirSync(join(folder, 'pieces')), ['x']);
});

const x = { dtype: 'F32', shape: [2], data_offsets: [0, 8] }, y = { dtype: 'F16', shape: [2, 2], data_offsets: [8, 16] };

test('a whole file of the same make as the damaged ones is read', () => {
  assert.deepEqual([...readSafetensors(made({ __metadata__: { a: 'b' }, y, x })).tensors.keys()], ['x', 'y']);
  const empty = { dtype: 'F32', shape: [0], data_offsets: [8, 8] };
  assert.equal(readSafetensors(made({ y, empty, x })).tensors.size, 3);
});

for (const [what, header, message] of [
  ['a name twice', `{"x":${JSON.stringify(x)},"\\u0078":${JSON.stringify(x)}}`, /its header has x twice/],
  ['a field twice', `{"x":{"dtype":"F64","dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, /its header has dtype twice/],
  ['a negative offset', { x: { ...x, data_offsets: [-8, 0] }, y }, /tensor x has no shape and offsets in whole numbers/],
  ['overlapping tensors', { x: { ...x, data_offsets: [0, 8] }, y: { ...y, data_offsets: [4, 12] } }, /tensor y .* does not lie at its offsets 4 to 12/],
  ['a gap', { x: { ...x, shape: [1], data_offsets: [0, 4] }, y }, /tensor y .* does not lie/],
  ['a shape of fractions', { x: { ...x, shape: [0.5, 4] }, y }, /tensor x has no shape and offsets in whole numbers/],
  ['a shape larger than its data', { x: { ...x, shape: [3] }, y }, /tensor x \(F32 \[3\]\) does not lie/],
  ['a shape beyond all numbers', { x: { ...x, shape: [...Array.from({ length: 21 }, () => 2 ** 52), 0] }, y }, /does not lie/],
  ['no offsets', { x: { dtype: 'F32', shape: [2] }, y }, /tensor x has no shape and offsets/],
  ['a tensor that is none', { x: null, y }, /tensor x has type undefined/],
  ['an unknown type', { x: { ...x, dtype: 'constructor' }, y }, /tensor x has type constructor, which is not read here/],
  ['bytes at the end', { x }, /8 bytes belong to no tensor/],
  ['data past the end', { x, y: { ...y, shape: [2, 3], data_offsets: [8, 20] } }, /tensor y .* does not lie/],
  ['metadata of numbers', { __metadata__: { a: 1 }, x, y }, /its metadata is not text/],
  ['a list', '[]', /its header is not a JSON object/],
  ['no JSON', '{"x":', /its header is not JSON/],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => openSafetensors(made(header)), { name: 'UserError', message });
  });
}

test('refused: a header longer than the file, or than the format allows, and no header at all', () => {
  const path = join(folder, 'damaged.safetensors');
  for (const [bytes, message] of [
    [Buffer.alloc(3), /it has no header/], [Buffer.alloc(40, 0xff), /its header claims 18446744073709552000 bytes of 40/],
  ] as const) {
    writeFileSync(path, bytes);
    assert.throws(() => readSafetensors(path), { name: 'UserError', message });
  }
});

/** A file of this header and 16 bytes of data. */
function made(header: unknown): string {
  const path = join(folder, 'damaged.safetensors');
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)), length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(16)]));
  return path;
}
