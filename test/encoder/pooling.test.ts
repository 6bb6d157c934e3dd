/** Pooling, importance weights and standardisation against numpy (fixtures/encoder/make.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type FileFacts, importanceWeights } from '../../lib/dist/encoder/importance.js';
import { l2, poolParts, roundToHalf } from '../../lib/dist/encoder/pooling.js';
import type { Part } from '../../lib/dist/encoder/recipe.js';
import { paper, released } from '../../lib/dist/encoder/recipe.js';
import { fitStandardiser, fromTensors, standardise, toTensors } from '../../lib/dist/encoder/standardise.js';
import { near } from './near.js';

interface FileSet {
  files: FileFacts[];
  vectors: number[][];
  weights: number[]; mean: number[]; max: number[]; importance: number[]; maxMean: number[]; paper: number[]; meanMax: number[]; half: number[];
}
const { sets, standardise: standard } = JSON.parse(readFileSync('test/fixtures/encoder/pooling.json', 'utf8')) as {
  sets: FileSet[]; standardise: { training: number[][]; vector: number[]; expected: number[] };
};
const vectors = (rows: number[][]) => rows.map((row) => Float32Array.from(row));

test('importance weights and every pooling over files', () => {
  for (const set of sets) {
    const files = vectors(set.vectors);
    const weights = importanceWeights(files, set.files);
    near(weights, set.weights, 1e-6);
    const pooled = (parts: Part[]) => poolParts(files, 6, parts, weights);
    near(pooled([{ pool: 'mean' }]), set.mean, 1e-6);
    near(pooled([{ pool: 'max' }]), set.max, 1e-6);
    near(pooled([{ pool: 'importance' }]), set.importance, 1e-6);
    near(pooled([{ pool: 'max' }, { pool: 'mean' }]), set.maxMean, 1e-6);
    near(l2(pooled(paper.overFiles)), set.paper, 1e-6);
    near(l2(pooled(released.overFiles)), set.meanMax, 1e-6);
    assert.deepEqual([...roundToHalf(l2(pooled(released.overFiles)))], set.half);
  }
});

test('nothing pools to zeros, of any length', () => {
  assert.deepEqual(l2(poolParts([], 3, paper.overFiles, importanceWeights([], []))), new Float32Array(6));
});

test('standardised by the training vectors, also after storage', () => {
  const fitted = fromTensors(toTensors(fitStandardiser(vectors(standard.training))));
  near(standardise(fitted, Float32Array.from(standard.vector)), standard.expected, 1e-4);
  // Its own training vectors: mean 0 and deviation 1 where they vary.
  const own = vectors(standard.training).map((v) => standardise(fitted, v)[0]!);
  near([own.reduce((a, b) => a + b) / own.length, own.reduce((a, b) => a + b * b, 0) / own.length], [0, 1], 1e-5);
  assert.throws(() => fitStandardiser([]), /no training vectors/);
  assert.throws(() => fromTensors(new Map()), /no "mean"/);
});
