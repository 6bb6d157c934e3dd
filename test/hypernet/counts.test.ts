/** Sizes of the networks for Qwen2.5-Coder-1.5B against the published and recomputed counts; nothing is allocated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { evo, type StepInput } from '../../lib/dist/hypernet/evo.js';
import { paw } from '../../lib/dist/hypernet/paw.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { text2lora } from '../../lib/dist/hypernet/text2lora.js';
import { head, model, qwen } from './fixture.js';

const lora = { rank: 16, alpha: 32 };
const staticCount = (hidden: number, input = 2048) => staticHead({ input, hidden, ...lora }, qwen).parameterCount;
const evoCount = (m: number, stepInput: StepInput = 'diff') =>
  evo({ input: 2048, stepInput, width: 2048 * m, head: { hidden: 1024 * m, ...lora } }, qwen).parameterCount;

test('static head', () => {
  for (const [hidden, count] of [
    [256, 170_070_542], [512, 339_612_686], [1024, 679_090_190], [2048, 1_359_618_062], [4096, 2_726_965_262],
  ] as const) assert.equal(staticCount(hidden), count);
});

test('Evo, its recurrent part, and its widths', () => {
  assert.equal(evoCount(1) - staticCount(1024), 33_583_104);
  assert.equal(evoCount(1, 'state') - staticCount(1024), 33_583_104);
  assert.equal(evoCount(1, 'both') - staticCount(1024), 37_777_408);
  for (const [m, count] of [[0.5, 349_588_494], [1, 712_673_294], [2, 1_481_310_222], [4, 3_188_453_390]] as const) {
    assert.equal(evoCount(m), count);
  }
});

test('PAW', () => {
  assert.equal(paw({ input: 2048, hidden: 512, bases: 16, ...lora }, qwen).parameterCount, 16_918_656);
});

test('the shared adapters of residual and film are a LoRA adapter in all layers', () => {
  // PEFT's count for all linear layers of this model at rank 16.
  const shared = 28 * 659_456;
  assert.equal(staticHead({ input: 2048, hidden: 512, form: 'residual', ...lora }, qwen).parameterCount, 339_612_686 + shared);
  const trunk = 2048 * 512 + 512 + 512 * 512 + 512;
  assert.equal(staticHead({ input: 2048, hidden: 512, form: 'film', ...lora }, qwen).parameterCount, trunk + 512 * 28 * 7 * 16 + shared);
});

test('what is allocated is what is counted', () => {
  for (const network of [
    staticHead(head, model), staticHead({ ...head, form: 'residual' }, model), staticHead({ ...head, form: 'film' }, model),
    paw({ ...head, bases: 3 }, model), text2lora({ ...head, task: 6 }, model),
    evo({ input: 12, stepInput: 'both', width: 10, head }, model),
  ]) {
    const values = network.initial(1);
    assert.equal(values.reduce((n: number, t: Tensor) => n + t.size, 0), network.parameterCount);
    assert.equal(values.length, network.names.length);
    assert.equal(new Set(network.names).size, network.names.length);
    tf.dispose(values);
  }
});
