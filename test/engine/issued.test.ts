/** How much is issued to TensorFlow where its ops compute: on a GPU each op costs its sending. Our kernels are few ops anyway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { issuedBy, type Issued } from '../../lib/dist/engine/op-times.js';
import { tf, usesKernels, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { staticHead, type StaticHeadConfig } from '../../lib/dist/hypernet/static-head.js';
import { openDecoder } from '../../lib/dist/model/decoder.js';
import { frozen, randomModel } from '../../lib/dist/model/weights.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import type { Example } from '../../lib/dist/train/examples.js';

const skip = usesKernels && 'our kernels compute here: test/engine/without-kernels.test.ts runs this without them';
/** As deep as Qwen2.5-Coder-1.5B, and narrow. */
const config = { vocabSize: 256, hidden: 32, layers: 28, heads: 1, kvHeads: 1, headDim: 16, mlp: 64, ropeTheta: 1e6, rmsEps: 1e-6, maxTokens: 32_768 };
const model = frozen(randomModel(config, 1), { half: true });
const ops = ({ ops: all }: Issued): number => [...all.values()].reduce((n, o) => n + o.calls, 0);

/** The second step: the first writes down what the later ones repeat. */
function secondStep(form: StaticHeadConfig['form'], tokens: number): { step: Issued; update: Issued } {
  const head = staticHead({ input: 32, hidden: 16, rank: 4, alpha: 8, ...(form && { form }) }, config), parameters = head.initial(3);
  const vector = tf.keep(tf.randomNormal([1, 32]));
  const task = { repo: 'r' } as Example['task'];
  const example: Example = { task, prefix: Array.from({ length: tokens - 16 }, (_, i) => (i * 31) % 256), target: Array.from({ length: 16 }, (_, i) => i) };
  const learner = adapterLearner(model, { parameters, names: head.names, write: (p) => head.apply(p, vector) }, [], () => ({ repo: 'r' }),
    { microBatch: 1, detachInput: false, checkpoint: true }, 0);
  const optimiser = new AdamW([...parameters], { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
  const once = (rate: number) => {
    let gradients: Tensor[] = [];
    const step = issuedBy(() => { ({ gradients } = learner.gradients(optimiser.parameters, { contexts: [{ repo: 'r' }], items: [[example]] })); });
    const update = issuedBy(() => { optimiser.update(gradients, rate); });
    tf.dispose(gradients);
    return { step, update };
  };
  once(1e-3);
  const tensors = tf.memory().numTensors, counts = once(2e-3);
  assert.equal(tf.memory().numTensors, tensors, 'a step leaves tensors behind');
  optimiser.dispose();
  tf.dispose([optimiser.parameters, vector]);
  return counts;
}

for (const [form, tokens, most] of [['paper', 1024, 6000], ['residual', 1024, 6000], ['paper', 4096, 9000]] as const) {
  test(`a step of one task of ${tokens} tokens through 28 layers, head ${form}`, { skip }, () => {
    const { step, update } = secondStep(form, tokens);
    assert.ok(ops(step) <= most, `${ops(step)} ops`);
    assert.ok(step.sentSingle <= 50, `${step.sentSingle} tensors of one value sent`);
    assert.equal(step.read, 1, 'the loss is read once');
    assert.ok(ops(update) <= 40, `AdamW: ${ops(update)} ops`);
    assert.equal(update.read, 1, 'the norm is read once');
  });
}

test('a token of decoding through 28 layers, also after sequences were dropped', { skip }, () => {
  const decoder = openDecoder(model, [[1, 2, 3, 4, 5], [6, 7, 8], [9]], 8);
  const next = (tokens: number[]) => issuedBy(() => { decoder.advance(tokens).dispose(); });
  next([1, 2, 3]);
  const second = next([4, 5, 6]);
  decoder.keep([0, 2]);
  next([7, 8]);
  for (const token of [second, next([9, 1])]) {
    assert.ok(ops(token) <= 900, `${ops(token)} ops`);
    assert.ok(token.sentSingle <= 30, `${token.sentSingle} tensors of one value sent`);
    assert.equal(token.read, 0);
  }
  decoder.logits.dispose();
  decoder.dispose();
});
