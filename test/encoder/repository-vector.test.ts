/** The repository vector: what is read, and how it is pooled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { poolFiles, repositoryVector } from '../../lib/dist/encoder/repository-vector.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import type { Repository } from '../../lib/dist/data/types.js';

const tokenizer = loadTokenizer('data/models/nano-coder');
const config = { vocabSize: tokenizer.vocabSize, hidden: 32, layers: 1, heads: 2, kvHeads: 1, headDim: 16, mlp: 32, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const model = randomModel(config, 1);
const encoder = { window: 16, overlap: 4, minTail: 6, maxWindows: 3, maxFiles: 10 };
const repo = (files: Record<string, string>): Repository => ({
  id: 'x', commit: '1', licence: 'MIT', split: 'train', files: Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
});
const code = 'def add(first, second):\n    return first + second\n\n\nclass Box:\n    size = 3\n    name = "box"\n    other = [1, 2, 3]\n';

test('mean over tokens, windows and files, then [mean; max], computed by hand', () => {
  const mean = (text: string): number[] => {
    const ids = tokenizer.encode(text), windows: number[][] = [];
    for (let at = 0; at < ids.length && windows.length < 3; at += 12) {
      const part = ids.slice(at, at + 16);
      if (part.length >= 6 || !windows.length) windows.push(part);
    }
    const rows = windows.map((w) => [...hiddenStates(model, tf.tensor2d([w], [1, w.length], 'int32')).mean(0).dataSync()]);
    return rows[0]!.map((_, j) => rows.reduce((s, r) => s + r[j]!, 0) / rows.length);
  };
  const [a, b] = [mean(code), mean('x = 1\n')];
  const raw = [...a.map((x, j) => (x + b[j]!) / 2), ...a.map((x, j) => Math.max(x, b[j]!))];
  const norm = Math.hypot(...raw);
  const { vector, files } = repositoryVector(repo({ 'pkg/a.py': code, 'pkg/b.py': 'x = 1\n' }), model, tokenizer, encoder);
  assert.equal(files, 2);
  raw.forEach((x, j) => { assert.ok(Math.abs(vector[j]! - x / norm) < 1e-5, `${j}: ${vector[j]} is not ${x / norm}`); });
});

test('test files do not change the vector; a repository without code gives zeros', () => {
  const plain = repositoryVector(repo({ 'a.py': code }), model, tokenizer, encoder);
  const tested = repositoryVector(repo({ 'a.py': code, 'tests/test_a.py': 'import pytest\n\ndef test_a():\n    assert 1 == 1\n' }), model, tokenizer, encoder);
  assert.deepEqual(tested, plain);
  assert.deepEqual(poolFiles([], 2), new Float32Array(4));
  assert.ok(repositoryVector(repo({}), model, tokenizer, encoder).vector.every((x) => x === 0));
});
