/** safetensors files read by numpy as the format's definition says, and halves rounded as numpy rounds them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
after(() => { rmSync(folder, { recursive: true }); });

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
  const python = process.env['PYTHON'] ?? '.venv/bin/python';
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
});
