/** Adapter files exchanged with Hugging Face peft: its logits from its files, its bytes from our writer, our logits from peft. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { mapLayer, projectionShapes, toLowRank, type Adapter } from '../../lib/dist/lora/adapter.js';
import { savePeft } from '../../lib/dist/lora/peft.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { hiddenStates, logits } from '../../lib/dist/model/transformer.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import { fixturesPython, withoutPython } from '../fixtures-python.js';
import { loadPeft } from './load-peft.js';

const fixtures = 'test/fixtures/peft', modelFolder = 'test/fixtures/model/qwen2';
const folder = mkdtempSync(join(tmpdir(), 'peft-'));
after(() => { rmSync(folder, { recursive: true }); });
const model = loadModel(modelFolder);
const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().dataSync()[0]!;
const applied = (adapter: Adapter, ids: Tensor): Tensor => logits(model, hiddenStates(model, ids, { lora: toLowRank(adapter) }));

function expected(name: string): { ids: Tensor; logits: Tensor } {
  const { tensors } = readSafetensors(join(fixtures, name, 'expected.safetensors'));
  const tensor = (key: string, type: 'int32' | 'float32') => tf.tensor(tensors.get(key)!.data, tensors.get(key)!.shape, type);
  return { ids: tensor('ids', 'int32'), logits: tensor('logits', 'float32') };
}

for (const name of ['all', 'some']) {
  test(`peft's adapter of ${name} projections gives peft's logits`, () => {
    const adapter = loadPeft(join(fixtures, name), model.config), { ids, logits: theirs } = expected(name);
    assert.ok(gap(applied(adapter, ids), theirs) < 1e-4);
    assert.ok(gap(logits(model, hiddenStates(model, ids)), theirs) > 0.1, 'the adapter matters');
  });
}

test('what peft wrote is written again byte for byte, with the same settings', () => {
  savePeft(join(folder, 'again'), loadPeft(join(fixtures, 'all'), model.config), model.config, 'qwen2');
  const read = (file: string) => [join(folder, 'again', file), join(fixtures, 'all', file)].map((path) => readFileSync(path)) as [Buffer, Buffer];
  const [ours, theirs] = read('adapter_model.safetensors');
  assert.ok(ours.equals(theirs));
  const [settings, complete] = read('adapter_config.json').map((b) => JSON.parse(b.toString('utf8')) as Record<string, unknown>) as [Record<string, unknown>, Record<string, unknown>];
  const sorted = (key: string, value: unknown) => (key === 'target_modules' ? [...value as string[]].sort() : value);
  for (const [key, value] of Object.entries(settings)) assert.deepEqual(sorted(key, value), sorted(key, complete[key]), key);
});

/** Random factors for all layers alike. */
function shared(): Adapter {
  const shapes = projectionShapes(model.config);
  return {
    rank: 5, alpha: 15, depth: model.config.layers,
    layers: [mapLayer((p, k) => tf.randomNormal(k === 'a' ? [5, shapes[p].in] : [shapes[p].out, 5], 0, 0.2, 'float32', p.length + k.charCodeAt(0)))],
  };
}

test('an adapter shared over layers is the same model after writing and reading', () => {
  const adapter = shared(), { ids } = expected('all');
  savePeft(join(folder, 'shared'), adapter, model.config, 'qwen2');
  const read = loadPeft(join(folder, 'shared'), model.config);
  assert.deepEqual([read.rank, read.alpha, read.layers.length], [5, 15, model.config.layers]);
  assert.ok(gap(applied(read, ids), applied(adapter, ids)) < 1e-6);
});

for (const depth of [model.config.layers, 1]) {
  test(`peft computes our logits from our file, with an adapter of ${depth} layers`, { skip: withoutPython }, () => {
    const adapter = { ...shared(), depth }, { ids } = expected('all'), to = join(folder, `for-peft-${depth}`);
    savePeft(to, adapter, model.config, 'qwen2');
    const args = ['test/fixtures/peft/load.py', modelFolder, to, JSON.stringify(ids.arraySync())];
    const theirs = JSON.parse(execFileSync(fixturesPython!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as number[][];
    assert.ok(gap(applied(adapter, ids), tf.tensor2d(theirs)) < 1e-4);
    assert.ok(gap(applied(loadPeft(to, model.config), ids), tf.tensor2d(theirs)) < 1e-4, 'read again');
  });
}
