/** Training: what is trained moves and what is frozen does not; a run that is cut off ends like one that is not. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toArray, toRows } from '../../lib/dist/engine/arrays.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { adapterFromTensors, adapterNames, adapterTensors, initialAdapter } from '../../lib/dist/lora/adapter.js';
import { randomModel, toList, type Model } from '../../lib/dist/model/weights.js';
import { Random } from '../../lib/dist/store/random.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import { adapterLearner, type AdapterWriter } from '../../lib/dist/train/adapter-learner.js';
import { balanced } from '../../lib/dist/train/draws.js';
import type { Example } from '../../lib/dist/train/examples.js';
import type { Learner } from '../../lib/dist/train/learner.js';
import { train, type TrainConfig } from '../../lib/dist/train/trainer.js';
import { weightsLearner } from '../../lib/dist/train/weights-learner.js';

const folder = mkdtempSync(join(tmpdir(), 'train-'));
after(() => { rmSync(folder, { recursive: true }); });
const config = { vocabSize: 40, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const settings: TrainConfig = { steps: 12, learningRate: 1e-2, schedule: 'cosine', warmupFraction: 0.1, weightDecay: 0.01, clip: 1, validateEvery: 4 };

function examples(repos: string[], random: Random): Example[] {
  return repos.flatMap((repo) => Array.from({ length: 5 }, () => ({
    task: { repo } as Example['task'],
    prefix: Array.from({ length: 5 + random.below(20) }, () => random.below(39)),
    target: [random.below(39), random.below(39), 39],
  })));
}
const data = examples(['a', 'b', 'c'], new Random(1)), validation = examples(['v'], new Random(2));

const singleLora = (): AdapterWriter => {
  const adapter = initialAdapter(config, 2, 4, 1);
  return { parameters: adapterTensors(adapter), names: adapterNames({ layers: adapter.layers.length }), write: (p) => adapterFromTensors(p, 2, 4) };
};
const staticWriter = (): AdapterWriter => {
  const random = new Random(5);
  const vectors = new Map(['a', 'b', 'c', 'v'].map((r) => [r, Float32Array.from({ length: 32 }, () => random.normal())]));
  const head = staticHead({ input: 32, hidden: 8, rank: 2, alpha: 4 }, config);
  return { parameters: head.initial(1), names: head.names, write: (p, contexts) => head.apply(p, toRows(contexts.map((c) => vectors.get(c.repo)!))) };
};
const options = { microBatch: 4, detachInput: false, checkpoint: false };
const adapters = (writer: () => AdapterWriter) => (model: Model): Learner =>
  adapterLearner(model, writer(), validation, (e) => ({ repo: e.task.repo }), options, 39);
const learners: [string, (model: Model) => Learner][] = [
  ['single LoRA', adapters(singleLora)], ['a hypernetwork', adapters(staticWriter)], ['all weights', (model) => weightsLearner(model, validation, 4, 39)],
];

async function run(make: (model: Model) => Learner, name: string, stopAt = Number.POSITIVE_INFINITY, own: Partial<TrainConfig> = {}) {
  const model = randomModel(config, 3);
  const frozen = toList(model).map((t) => toArray(t).data.slice());
  const learner = make(model);
  const initial = learner.parameters.map((p) => toArray(p).data.slice());
  const result = await train(learner, balanced(data, 2, 2, 1), { ...settings, ...own }, join(folder, name), 'training', ({ done }) => {
    if (done === stopAt) throw new Error('cut off');
  });
  return { result, names: learner.names, initial, frozen, now: toList(model).map((t) => toArray(t).data) };
}

for (const [name, make] of learners) {
  test(`${name}: every trained parameter moves, no frozen one does, and the loss falls`, async () => {
    const { result, names, initial, frozen, now } = await run(make, `${name}-moves`);
    names.forEach((n, i) => { assert.notDeepEqual(result.parameters.get(n)!.data, initial[i], `${n} did not move`); });
    assert.deepEqual(now, frozen);
    assert.ok(result.losses.at(-1)!.train < result.losses[0]!.train, JSON.stringify(result.losses));
    assert.equal(result.bestStep, result.losses.reduce((a, b) => (b.validation < a.validation ? b : a)).step);
  });

  test(`${name}: with checkpoints between measurements no step is made again, and it ends with the same bits`, async () => {
    const whole = await run(make, `${name}-seldom`), often = { checkpointSeconds: 0 }, cut = `${name}-often`;
    for (const at of [3, 6, 7]) await assert.rejects(run(make, cut, at, often), /cut off/);
    assert.deepEqual(readdirSync(join(folder, cut)).filter((f) => f.startsWith('state-')).sort(), ['state-6.safetensors', 'state-7.safetensors']);
    const resumed = await run(make, cut, undefined, often);
    assert.deepEqual(resumed.result.parameters, whole.result.parameters);
    assert.deepEqual(resumed.result.losses, whole.result.losses);
  });

  test(`${name}: cut off and started again, it ends with the same bits`, async () => {
    const whole = await run(make, `${name}-whole`);
    const cut = `${name}-cut`;
    await assert.rejects(run(make, cut, 3), /cut off/);
    assert.ok(readdirSync(join(folder, cut)).every((f) => !f.startsWith('state-')));
    await assert.rejects(run(make, cut, 6), /cut off/);
    await assert.rejects(run(make, cut, 10), /cut off/);
    const resumed = await run(make, cut);
    assert.deepEqual(resumed.result.parameters, whole.result.parameters);
    assert.deepEqual(resumed.result.losses, whole.result.losses);
  });
}

test('parameters after a quarter, a half and each whole pass are kept, the same by a run that was cut off', async () => {
  const make = adapters(singleLora), passes = { passes: 2 };
  const whole = await run(make, 'kept-whole', undefined, passes);
  await assert.rejects(run(make, 'kept-cut', 7, passes), /cut off/);
  await run(make, 'kept-cut', undefined, passes);
  const files = ['0.25', '0.5', '1', '2'].map((after) => `after-${after}-passes.safetensors`);
  for (const name of ['kept-whole', 'kept-cut']) assert.deepEqual(readdirSync(join(folder, name)).filter((file) => file.startsWith('after-')).sort(), files);
  for (const file of files) assert.deepEqual(readFileSync(join(folder, 'kept-cut', file)), readFileSync(join(folder, 'kept-whole', file)), file);
  // After half of all steps they are what a run of the same schedule has then, and after all of them the last ones.
  const value = (after: string) => readSafetensors(join(folder, 'kept-whole', `after-${after}-passes.safetensors`)).tensors;
  const at = (step: number) => readSafetensors(join(folder, 'kept-whole', `state-${step}.safetensors`)).tensors;
  for (const name of whole.names) assert.deepEqual(value('2').get(name)!.data, at(12).get(name)!.data, name);
  await assert.rejects(run(make, 'kept-half', 6, { ...passes, checkpointSeconds: 0 }), /cut off/);
  const half = readSafetensors(join(folder, 'kept-half', 'state-6.safetensors')).tensors;
  for (const name of whole.names) assert.deepEqual(value('1').get(name)!.data, half.get(name)!.data, name);
});

test('a measurement that is not a number is passed over, also by a run that was cut off after it', async () => {
  const blind = (model: Model): Learner => {
    const learner = adapters(singleLora)(model);
    let measured = 0;
    return { ...learner, validationLoss: (p) => (measured++ ? learner.validationLoss(p) : Number.NaN) };
  };
  const whole = await run(blind, 'blind');
  assert.ok(Number.isNaN(whole.result.losses[0]!.validation) && whole.result.bestStep > 4);
  await assert.rejects(run(blind, 'blind-cut', 5), /cut off/);
  const again = await run(adapters(singleLora), 'blind-cut'); // whose first measurement is the second of the whole run
  assert.equal(again.result.bestStep, whole.result.bestStep);
  assert.deepEqual(again.result.parameters, whole.result.parameters);
});

test('a damaged newest checkpoint: the run goes on from the one before, to the same bits', async () => {
  const make = adapters(staticWriter);
  const whole = await run(make, 'sound');
  await assert.rejects(run(make, 'damaged', 9), /cut off/);
  const states = readdirSync(join(folder, 'damaged')).filter((f) => f.startsWith('state-')).sort();
  assert.deepEqual(states, ['state-4.safetensors', 'state-8.safetensors']);
  truncateSync(join(folder, 'damaged', 'state-8.safetensors'), 1000);
  const resumed = await run(make, 'damaged');
  assert.deepEqual(resumed.result.parameters, whole.result.parameters);
});

test('no checkpoint can be read: the run begins anew, and what it then writes stays', async () => {
  const make = adapters(singleLora), place = join(folder, 'all damaged');
  const whole = await run(make, 'whole again');
  await assert.rejects(run(make, 'all damaged', 9), /cut off/);
  for (const file of readdirSync(place).filter((f) => /^(state|best)-/.test(f))) truncateSync(join(place, file), 1000);
  await assert.rejects(run(make, 'all damaged', 5), /cut off/);
  assert.deepEqual(readdirSync(place).filter((f) => /^(state|best)-/.test(f)).sort(), ['best-4.safetensors', 'state-4.safetensors']);
  const resumed = await run(make, 'all damaged');
  assert.deepEqual([...resumed.result.parameters], [...whole.result.parameters]);
});

test('the log holds one line a measurement, and training stops when nothing gets better', async () => {
  const { result } = await run(adapters(singleLora), 'patient', undefined, { steps: 400, validateEvery: 2, patience: 2, learningRate: 0.05 });
  const log = readFileSync(join(folder, 'patient', 'log.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l) as { step: number });
  assert.deepEqual(log, result.losses);
  assert.ok(log.at(-1)!.step < 400, 'it stopped early');
  assert.equal(log.filter((l) => l.step > result.bestStep).length, 2);
});

test('a loss that is not a number ends the run with its step and repositories', async () => {
  await assert.rejects(
    run(adapters(singleLora), 'diverges', undefined, { learningRate: 1e30, clip: 1e30 }),
    (e: Error) => /loss is NaN|gradient norm (NaN|Infinity)/.test(e.message) && /at step \d+ \(tasks of [abc](, [abc])?\): lower the learning rate/.test(e.message));
  assert.ok(existsSync(join(folder, 'diverges')));
});
