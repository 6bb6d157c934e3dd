/** Weights on disk: what is saved is loaded, and a damaged file is named and refused. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { loadModel, saveModel } from '../../lib/dist/model/checkpoint.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { readSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
after(() => { rmSync(folder, { recursive: true }); });
const file = join(folder, 'model.safetensors');
const config = { vocabSize: 50, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };

test('a saved model computes the same up to half precision', () => {
  const model = randomModel(config, 1);
  saveModel(folder, model);
  const loaded = loadModel(folder);
  assert.deepEqual(loaded.config, config);
  const ids = tf.tensor2d([[1, 2, 3, 4, 5, 6]], [1, 6], 'int32');
  const gap = hiddenStates(model, ids).sub(hiddenStates(loaded, ids)).abs().max().dataSync()[0]!;
  assert.ok(gap < 0.02 && gap > 0, `${gap}`);
});

test('damage is named in one line', () => {
  const whole = readFileSync(file);
  copyFileSync(file, join(folder, 'whole.safetensors'));
  const refuses = (what: RegExp) => assert.throws(() => loadModel(folder), (e: Error) => what.test(e.message) && !e.message.includes('\n'));
  truncateSync(file, whole.length - 10);
  refuses(/model\.safetensors .*does not lie at its offsets/);
  truncateSync(file, 4);
  refuses(/has no header/);
  writeFileSync(file, Buffer.concat([Buffer.from([255, 255, 255, 255, 255, 0, 0, 0]), whole.subarray(8)]));
  refuses(/header claims/);
  const nan = Buffer.from(whole);
  nan.writeUInt16LE(0x7e00, whole.length - 2);
  writeFileSync(file, nan);
  refuses(/not finite/);
  const renamed = Buffer.from(whole.toString('latin1').replace('model.norm.weight', 'model.nerm.weight'), 'latin1');
  writeFileSync(file, renamed);
  const before = tf.memory().numTensors;
  refuses(/lacks the tensor model\.norm\.weight/);
  const tensors = readSafetensors(join(folder, 'whole.safetensors'));
  writeSafetensors(file, new Map([...tensors.tensors, ['lm_head.weight', { shape: [1], data: new Float32Array(1) }]]));
  refuses(/holds tensors that its config\.json does not ask for: lm_head\.weight/);
  writeSafetensors(file, new Map([...tensors.tensors, ['model.norm.weight', { shape: [16], data: new Int32Array(16) }]]));
  refuses(/model\.norm\.weight holds whole numbers, no weights/);
  assert.equal(tf.memory().numTensors, before, 'nothing of a model that was refused is left');
});
