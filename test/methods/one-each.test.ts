/** Adapters of single repositories: as many passes as asked, also over fewer texts than a step takes, and what an interrupted training goes on with. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { adapterTensors, initialAdapter } from '../../lib/dist/lora/adapter.js';
import type { MethodInputs } from '../../lib/dist/methods/method.js';
import { trainEach } from '../../lib/dist/methods/one-each.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { profileNamed } from '../../lib/dist/profiles.js';
import { silent } from '../../lib/dist/store/progress.js';
import type { Example } from '../../lib/dist/train/examples.js';

const folder = mkdtempSync(join(tmpdir(), 'one-each-'));
after(() => rmSync(folder, { recursive: true }));
const { learning } = profileNamed('smoke');
const model = randomModel({ vocabSize: 64, hidden: 16, layers: 1, heads: 1, kvHeads: 1, headDim: 16, mlp: 16, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 }, 1);
const inputs = { model, adapted: model.config, learning, tokenizer: { eos: 0 }, contextOf: () => ({ repo: 'r' }), seed: 1 } as unknown as MethodInputs;
/** All of one length, so that tokens count tasks. */
const examples = (count: number) => Array.from({ length: count }, (_, i) => ({ task: { repo: 'r' }, prefix: [1, 2, 3 + i], target: [4, 5, 6, 7, 8] })) as unknown as Example[];

test('passes are whole passes, however few texts there are', async () => {
  const tokens = async (count: number, epochs: number) => {
    const place = join(folder, `${count}-${epochs}`);
    const made = await trainEach([{ repo: 'r', examples: examples(count), epochs, learningRate: 1e-3, batch: 16, start: () => adapterTensors(initialAdapter(model.config, learning.rank, learning.alpha, 1)) }],
      inputs, place, 'training', silent);
    assert.deepEqual([made.passes, made.repositories], [epochs, 1]);
    // What it went on with is not needed any more.
    assert.deepEqual(readdirSync(place), ['r.safetensors', ...(existsSync(join(place, 'SHA256SUMS')) ? ['SHA256SUMS'] : [])]);
    return made.tokens;
  };
  const one = (await tokens(16, 1)) / 16;
  for (const [count, epochs] of [[16, 3], [3, 4], [1, 2], [10, 4], [32, 2]] as const) assert.equal(await tokens(count, epochs), one * count * epochs, `${epochs} passes over ${count}`);
});
