/** Likelihoods of targets are PyTorch's (fixtures/model/make_nats.py), bare and under adapters, whatever is asked beside them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { likelihoods, type Nats } from '../../lib/dist/eval/likelihood.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { mapLayer, type Adapter } from '../../lib/dist/lora/adapter.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import type { Example } from '../../lib/dist/train/examples.js';

const model = loadModel('data/models/nano-coder');
const { eos, rows } = JSON.parse(readFileSync('test/fixtures/model/nats.json', 'utf8')) as {
  eos: number; rows: [prompt: number[], target: number[], nats: number, eosNats: number, nats: number, eosNats: number][];
};
const task = {} as Example['task'];
/** Every other one in a format that has EOS, every other one without. */
const examples = rows.map(([prefix, target], i): Example => ({ task, prefix, target: i % 2 ? target : [...target, eos] }));
const { tensors } = readSafetensors('test/fixtures/model/nats-adapter.safetensors');
const adapter: Adapter = {
  rank: 4, alpha: 8, depth: model.config.layers,
  layers: Array.from({ length: model.config.layers }, (_, i) => mapLayer((p, k) => {
    const { shape, data } = tensors.get(`${i}.${p}.${k}`)!;
    return tf.keep(tf.tensor(data, shape));
  })),
};
const nothing: Adapter = { ...adapter, layers: adapter.layers.map((l) => mapLayer((p, k) => tf.keep(tf.zerosLike(l[p][k])))) };

function near(found: readonly Nats[], expected: (row: (typeof rows)[number]) => [number, number]): void {
  found.forEach(({ targetNats, targetTokens, eosNats }, i) => {
    const row = rows[i]!, [nats, end] = expected(row);
    assert.equal(targetTokens, row[1].length);
    assert.ok(Math.abs(targetNats - nats) < 1e-4 * Math.max(1, targetTokens), `row ${i}: ${targetNats} is not ${nats}`);
    assert.ok(Math.abs(eosNats - end) < 1e-4, `row ${i}: EOS ${eosNats} is not ${end}`);
  });
}

test('the model as it is', () => { near(likelihoods(model, examples, { eos }, () => {}), ([, , nats, end]) => [nats, end]); });

test('under an adapter, alone and beside one that changes nothing', () => {
  near(likelihoods(model, examples, { eos }, () => {}, { adapters: [adapter], owners: rows.map(() => 0) }), ([, , , , nats, end]) => [nats, end]);
  const both = likelihoods(model, [...examples, ...examples], { eos }, () => {}, { adapters: [nothing, adapter], owners: [...rows.map(() => 1), ...rows.map(() => 0)] });
  near(both.slice(0, rows.length), ([, , , , nats, end]) => [nats, end]);
  near(both.slice(rows.length), ([, , nats, end]) => [nats, end]);
});

test('every task is told of, and nothing is left behind', () => {
  let told = 0;
  likelihoods(model, examples.slice(0, 3), { eos }, () => {});
  const before = tf.memory().numTensors;
  likelihoods(model, examples, { eos }, (n) => { told += n; });
  assert.deepEqual([told, tf.memory().numTensors], [examples.length, before]);
});
