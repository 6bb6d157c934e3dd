/**
 * What a model says of a text does not depend on what it is computed beside, to the bit: not on the other texts of the
 * batch, nor on their adapters, nor on the number of threads, with each set of kernels that the processor can run.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { tf, tidy, usesKernels } from '../../lib/dist/engine/tensorflow.js';
import { mapLayer, projectionShapes, stackAdapters, toLowRank, type Adapter } from '../../lib/dist/lora/adapter.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { openDecoder } from '../../lib/dist/model/decoder.js';

const model = loadModel('data/models/nano-coder'), { config } = model;
const prompts = [3, 40, 77, 16, 130, 201, 64].map((length, i) => Array.from({ length }, (_, t) => (37 * (t + 1) * (i + 2)) % 8000));
const owners = [1, 0, 2, 2, 0, 1, 1];

/** One set of factors for all layers, and one a layer beside it: what the residual head writes. */
function adapter(seed: number): Adapter {
  const shapes = projectionShapes(config);
  const factors = (at: number) => mapLayer((p, k) => tf.randomNormal(k === 'a' ? [6, shapes[p].in] : [shapes[p].out, 6], 0, 0.1, 'float32', at + p.length));
  return {
    rank: 6, alpha: 12, depth: config.layers, layers: [factors(seed)],
    shared: { rank: 6, alpha: 12, depth: config.layers, layers: Array.from({ length: config.layers }, (_, i) => factors(1000 + i)) },
  };
}
const adapters = [1, 2, 3].map(adapter);

/** Logits after each prompt and after two more tokens, prompt by prompt. */
function logitsOf(chosen: readonly number[], adapted: boolean): Float32Array[][] {
  return tidy(() => {
    const used = [...new Set(chosen.map((i) => owners[i]!))];
    const decoder = openDecoder(model, chosen.map((i) => prompts[i]!), 2, adapted
      ? { lora: toLowRank(stackAdapters(used.map((i) => adapters[i]!))), owners: chosen.map((i) => used.indexOf(owners[i]!)) } : undefined);
    const steps = [decoder.logits, decoder.advance(chosen.map(() => 11)), decoder.advance(chosen.map((i) => 50 + i))];
    const rows = steps.map((t) => t.dataSync() as Float32Array);
    decoder.dispose();
    return chosen.map((_, row) => rows.map((r) => r.slice(row * config.vocabSize, (row + 1) * config.vocabSize)));
  });
}

const all = prompts.map((_, i) => i);
for (const adapted of [false, true]) {
  test(`logits of a prompt${adapted ? ' under its adapter' : ''}: alone, beside others, and in another order`, { skip: !usesKernels }, () => {
    const together = logitsOf(all, adapted), reversed = logitsOf([...all].reverse(), adapted).reverse();
    assert.deepEqual(together, reversed);
    for (const i of all) assert.deepEqual(logitsOf([i], adapted)[0], together[i], `prompt ${i}`);
  });
}

/** All bits of the above in a few letters. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const adapted of [false, true]) for (const logits of logitsOf(all, adapted).flat()) hash.update(logits);
  return hash.digest('hex');
}

if (process.env['CODE2LORA_FINGERPRINT']) console.log(`bits ${process.env['CODE2LORA_KERNELS']} ${fingerprint()}`);
else {
  test('with each set of kernels: the same, with one thread and with two', { skip: !usesKernels }, () => {
    for (const kernels of ['avx2', 'avx512']) {
      const said = ['1', '2'].map((threads) => {
        const { status, stdout } = spawnSync(process.execPath, [import.meta.filename], {
          encoding: 'utf8', env: {
            ...process.env, NODE_TEST_CONTEXT: '', CODE2LORA_FINGERPRINT: 'yes', CODE2LORA_KERNELS: kernels, OMP_NUM_THREADS: threads, TF_NUM_INTRAOP_THREADS: threads,
          },
        });
        assert.equal(status, 0, stdout);
        // Which kernels they really were: a processor without AVX-512 takes the others.
        return /bits \w+ \w+/.exec(stdout)?.[0];
      });
      assert.ok(said[0]);
      assert.equal(said[1], said[0]);
    }
  });
}
