/** Principal components, each to deviation 1, against numpy (fixtures/encoder/make_components.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { whiteningComponents } from '../../lib/dist/encoder/components.js';
import { fitStandardiser, fromTensors, standardise, toTensors } from '../../lib/dist/encoder/standardise.js';
import { near } from './near.js';

interface Case { vectors: number[][]; components: number[][] }
const cases = JSON.parse(readFileSync('test/fixtures/encoder/components.json', 'utf8')) as Record<'manyVectors' | 'fewVectors' | 'spanningLess', Case>;
const toVectors = (rows: number[][]) => rows.map((row) => Float32Array.from(row));
const rowsOf = (flat: Float32Array, width: number) => Array.from({ length: flat.length / width }, (_, k) => [...flat.subarray(k * width, (k + 1) * width)]);

for (const [name, { vectors, components }] of Object.entries(cases)) {
  test(`${name}: the same components but for their sign, zero where the vectors span no more`, () => {
    const got = rowsOf(whiteningComponents(toVectors(vectors), components.length), vectors[0]!.length);
    assert.equal(got.length, components.length);
    got.forEach((row, k) => {
      const expected = components[k]!, most = expected.reduce((best, x, j) => (Math.abs(x) > Math.abs(expected[best]!) ? j : best), 0);
      near(row.map((x) => x * (Math.sign(row[most]! * expected[most]!) || 1)), expected, 1e-4);
    });
  });
}

test('training vectors are read as uncorrelated values of deviation 1, also after storage', () => {
  const training = toVectors(cases.manyVectors.vectors.map((row) => row.map((x, j) => 3 * x * (j + 1) + j)));
  const fitted = fromTensors(toTensors(fitStandardiser(training, 3))), read = training.map((v) => standardise(fitted, v));
  const products = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => read.reduce((sum, v) => sum + v[i]! * v[j]!, 0) / read.length));
  near(products, [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-4);
});
