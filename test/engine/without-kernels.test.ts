/**
 * The path that a GPU takes, on this processor: our kernels switched off, TensorFlow's ops compute, as recorded work. The
 * tests of what is computed hold there as well, and the smoke profile ends where it ends with the kernels.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { readPredictions } from '../../lib/dist/eval/predictions-parquet.js';
import type { Run } from '../../lib/dist/lab/run.js';

async function finish(args: string[], env: Record<string, string>): Promise<void> {
  // Else a test that is run by a test reports to it.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const child = spawn(process.execPath, args, { env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (d) => { text += d; });
  child.stderr.on('data', (d) => { text += d; });
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, text.slice(-6000));
}

test('models, adapters, gradients, decoding and vectors against their references; what is issued', async () => {
  const files = ['engine/issued', 'engine/gradients', 'engine/recorded', 'model/parity', 'model/generate', 'lora/adapter', 'lora/parity', 'lora/peft', 'train/adapter-learner',
    'train/trainer', 'hypernet/pytorch', 'hypernet/static-head', 'hypernet/unroll', 'encoder/text-vectors'];
  await finish(['--test', ...files.map((f) => `test/dist/${f}.test.js`)], { CODE2LORA_KERNELS: 'none' });
});

test("AVX2's kernels against the same references, on a processor that has more", { skip: !readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f') }, async () => {
  const files = ['engine/ops', 'engine/gradients', 'model/parity', 'model/generate', 'lora/parity', 'train/adapter-learner', 'encoder/text-vectors'];
  await finish(['--test', ...files.map((f) => `test/dist/${f}.test.js`)], { CODE2LORA_KERNELS: 'avx2' });
});

test('smoke: the frozen model says the same, and every training goes the same way', async () => {
  const outputs = ['with', 'without'].map((name) => resolve('test/output', `${name}-kernels`));
  for (const output of outputs) rmSync(output, { recursive: true, force: true });
  const command = ['lib/bin/code2lora.js', 'reproduce', '--profile', 'smoke'];
  await finish(command, { CODE2LORA_OUTPUT: outputs[0]! });
  await finish(command, { CODE2LORA_OUTPUT: outputs[1]!, CODE2LORA_KERNELS: 'none' });
  const runs = (output: string) => join(output, 'results/smoke/runs');
  const ids = readdirSync(runs(outputs[0]!));
  assert.deepEqual(readdirSync(runs(outputs[1]!)), ids);
  for (const id of ids) {
    const [mine, theirs] = outputs.map((o) => JSON.parse(readFileSync(join(runs(o), id, 'run.json'), 'utf8')) as Run['record']) as [Run['record'], Run['record']];
    assert.match(theirs.device, /none/);
    assert.deepEqual(theirs.losses?.map((l) => l.step), mine.losses?.map((l) => l.step));
    // Rounding differs, and AdamW makes much of small gradients: after a hundred steps the losses agree to some per cent.
    for (const [i, l] of (mine.losses ?? []).entries()) {
      const other = theirs.losses![i]!;
      assert.ok(Math.abs(other.validation / l.validation - 1) < 0.05, `${id}: ${other.validation} and ${l.validation} at step ${l.step}`);
    }
    if (!id.includes('pretrained')) continue;
    const [own, others] = await Promise.all(outputs.map((o) => readPredictions(join(runs(o), id, 'predictions.parquet'))));
    const same = own!.filter((p, i) => p.prediction === others![i]!.prediction).length;
    assert.ok(same >= 0.97 * own!.length, `${id}: ${same} of ${own!.length} predictions are the same`);
  }
});
