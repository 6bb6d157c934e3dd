/** Training: what is trained moves and what is frozen does not; a run that is cut off ends like one that is not. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toArray } from '../../lib/dist/engine/arrays.js';
import { code2loraStatic } from '../../lib/dist/methods/code2lora-static.js';
import { singleLora } from '../../lib/dist/methods/single-lora.js';
import type { Method } from '../../lib/dist/methods/index.js';
import { randomModel, toList } from '../../lib/dist/model/weights.js';
import { Random } from '../../lib/dist/store/random.js';
import type { Example } from '../../lib/dist/train/examples.js';
import { trainAdapter } from '../../lib/dist/train/train-adapter.js';

const folder = mkdtempSync(join(tmpdir(), 'train-'));
after(() => { rmSync(folder, { recursive: true }); });
const config = { vocabSize: 40, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const learning = {
  rank: 2, alpha: 4, headWidth: 8, steps: 12, repositories: 2, tasks: 2, rates: { lora: 1e-2, hypernetwork: 1e-2 },
  warmupFraction: 0.1, weightDecay: 0.01, clip: 1, validateEvery: 4,
};

function examples(repos: string[], random: Random): Example[] {
  return repos.flatMap((repo) => Array.from({ length: 5 }, () => ({
    task: { repo } as Example['task'],
    prefix: Array.from({ length: 5 + random.below(20) }, () => random.below(39)),
    target: [random.below(39), random.below(39), 39],
  })));
}

async function train(method: Method, name: string, stopAt = Number.POSITIVE_INFINITY) {
  const model = randomModel(config, 3);
  const random = new Random(5);
  const vectors = new Map(['a', 'b', 'c', 'v'].map((r) => [r, Float32Array.from({ length: 32 }, () => random.normal())]));
  const data = examples(['a', 'b', 'c'], new Random(1)), validation = examples(['v'], new Random(2));
  const frozen = toList(model).map((t) => toArray(t).data.slice());
  const writer = method.writer!({ model, vectors, learning, seed: 1 });
  const initial = writer.parameters.map((p) => toArray(p).data.slice());
  const result = await trainAdapter(model, writer, data, validation, { ...learning, learningRate: 1e-2, seed: 1 }, 39, join(folder, name), 'training', ({ done }) => {
    if (done === stopAt) throw new Error('cut off');
  });
  return { result, names: writer.names, initial, frozen, now: toList(model).map((t) => toArray(t).data) };
}

for (const method of [singleLora, code2loraStatic]) {
  test(`${method.name}: every trained parameter moves, no frozen one does, and the loss falls`, async () => {
    const { result, names, initial, frozen, now } = await train(method, `${method.name}-moves`);
    names.forEach((n, i) => { assert.notDeepEqual(result.parameters.get(n)!.data, initial[i], `${n} did not move`); });
    assert.deepEqual(now, frozen);
    assert.ok(result.losses.at(-1)!.train < result.losses[0]!.train, JSON.stringify(result.losses));
    assert.equal(result.bestStep, result.losses.reduce((a, b) => (b.validation < a.validation ? b : a)).step);
  });
}

test('cut off between checkpoints and started again, it ends with the same bits', async () => {
  const whole = await train(code2loraStatic, 'whole');
  await assert.rejects(train(code2loraStatic, 'cut', 3), /cut off/);
  assert.ok(!existsSync(join(folder, 'cut', 'checkpoint.safetensors')));
  await assert.rejects(train(code2loraStatic, 'cut', 6), /cut off/);
  await assert.rejects(train(code2loraStatic, 'cut', 10), /cut off/);
  const resumed = await train(code2loraStatic, 'cut');
  assert.deepEqual(resumed.result.parameters, whole.result.parameters);
  assert.deepEqual(resumed.result.losses, whole.result.losses);
});
