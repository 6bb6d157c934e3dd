/** Inner products and norms of weight changes from factors alone, against the changes themselves written out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { between, type Adapter, adapterTensors, mapLayer, projections, projectionShapes } from '../../lib/dist/lora/adapter.js';
import { gramOf, spreadOf } from '../../lib/dist/lab/audit/geometry.js';
import { deltaGram, factorGram } from '../../lib/dist/lora/gram.js';
import { weightNorms } from '../../lib/dist/report/analysis/norms.js';
import { Random } from '../../lib/dist/store/random.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';

const config = { vocabSize: 40, hidden: 12, layers: 2, heads: 2, kvHeads: 1, headDim: 6, mlp: 10, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const rank = 3, alpha = 6, shapes = projectionShapes(config);
const random = new Random(11);
const values = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const adapter = (): Adapter => ({
  rank, alpha, depth: config.layers, layers: Array.from({ length: config.layers }, () => mapLayer((p, k) =>
    (k === 'a' ? tf.tensor2d(values(rank * shapes[p].in), [rank, shapes[p].in]) : tf.tensor2d(values(rank * shapes[p].out), [shapes[p].out, rank])))),
});
const adapters = Array.from({ length: 4 }, adapter);

/** alpha/r · B A of all matrices, one number after another. */
function written({ layers }: Adapter, only?: string): number[] {
  return layers.flatMap((layer) => projections.filter((p) => only === undefined || p === only).flatMap((p) => {
    const a = layer[p].a.arraySync() as number[][], b = layer[p].b.arraySync() as number[][];
    return b.flatMap((row) => a[0]!.map((_, j) => (alpha / rank) * row.reduce((sum, x, r) => sum + x * a[r]![j]!, 0)));
  }));
}
const product = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
const close = (x: number, y: number, what: string) => assert.ok(Math.abs(x - y) < 1e-4 * Math.max(1, Math.abs(y)), `${what}: ${x} is not ${y}`);

test('inner products of changes and of factors', () => {
  const [deltas, factors] = [deltaGram(adapters), factorGram(adapters)], dense = adapters.map((one) => written(one));
  const flat = adapters.map((one) => adapterTensors(one).flatMap((t) => [...t.dataSync()]));
  adapters.forEach((_, i) => adapters.forEach((__, k) => {
    close(deltas[i]![k]!, product(dense[i]!, dense[k]!), `changes ${i} ${k}`);
    close(factors[i]![k]!, product(flat[i]!, flat[k]!), `factors ${i} ${k}`);
  }));
});

test('norms of changes by type', () => {
  const norms = weightNorms(adapters[0]!);
  for (const p of projections) close(norms[p], Math.sqrt(product(written(adapters[0]!, p), written(adapters[0]!, p))), p);
});

test('cosines, spread and planes of vectors that are known', () => {
  // Two directions around a large common one.
  const vectors = [[10, 1, 0], [10, -1, 0], [10, 0, 1], [10, 0, -1]].map((v) => Float32Array.from(v));
  const { cosine, centred, relativeSpread, plane, centredPlane } = spreadOf(gramOf(vectors));
  close(cosine.mean, (2 * (99 / 101) + 4 * (100 / 101)) / 6, 'cosine');
  // Less the mean: two pairs opposite, four at right angles.
  close(centred.mean, -2 / 6, 'centred');
  close(relativeSpread, 1 / 10, 'spread');
  assert.ok(plane.share > 0.99);
  close(centredPlane.share, 1, 'share');
  plane.places.forEach(([x]) => close(Math.abs(x), 10, 'along what they have in common'));
  centredPlane.places.forEach(([x, y]) => close(Math.hypot(x, y), 1, 'from the mean'));
});

test('between two adapters, and beyond them', () => {
  const [from, to] = adapters as [Adapter, Adapter];
  for (const step of [0, 0.25, 1, 2]) {
    const moved = adapterTensors(between(from, to, step)), [ends, starts] = [adapterTensors(to), adapterTensors(from)];
    moved.forEach((t, i) => { const [x, y, z] = [t, starts[i]!, ends[i]!].map((u) => u.dataSync()[0]!); close(x!, y! + step * (z! - y!), `step ${step}`); });
  }
});
