/** A step's gradients are the plain ones of the whole loss, however it is cut into micro-batches and recomputed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headLoss } from '../../lib/dist/engine/ops.js';
import { tf, type Tensor, type Tf } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { toLowRank } from '../../lib/dist/lora/adapter.js';
import { toRows } from '../../lib/dist/engine/arrays.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { Random } from '../../lib/dist/store/random.js';
import { adapterLearner, type AdapterLearning } from '../../lib/dist/train/adapter-learner.js';
import { toBatch, type Example } from '../../lib/dist/train/examples.js';

const config = { vocabSize: 40, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const model = randomModel(config, 3);
model.layers = model.layers.map((l) => ({ ...l, qkv: l.qkv.mul(10), o: l.o.mul(20), gateUp: l.gateUp.mul(10), down: l.down.mul(20) }));
const random = new Random(4);
const vectors = new Map(['a', 'b', 'c'].map((r) => [r, Float32Array.from({ length: 6 }, () => random.normal())]));
const head = staticHead({ input: 6, hidden: 8, rank: 2, alpha: 4 }, config);
const writer = { parameters: head.initial(1), names: head.names, write: (p: Tensor[], contexts: { repo: string }[]) => head.apply(p, toRows(contexts.map((c) => vectors.get(c.repo)!))) };
const example = (repo: string): Example => ({
  task: { repo } as Example['task'],
  prefix: Array.from({ length: 3 + random.below(9) }, () => random.below(39)), target: Array.from({ length: 1 + random.below(4) }, () => random.below(39)),
});
const draw = { contexts: [...'abc'].map((repo) => ({ repo })), items: [...'abc'].map((repo) => [example(repo), example(repo), example(repo)]) };
const learn = (options: Partial<AdapterLearning>) =>
  adapterLearner(model, writer, draw.items.flat(), (e) => ({ repo: e.task.repo }), { microBatch: 99, detachInput: false, checkpoint: false, ...options }, 39);

/** Largest difference relative to the largest value, over all parameters. */
function gap(a: Tensor[], b: Tensor[]): number {
  return Math.max(...a.map((x, i) => x.sub(b[i]!).abs().max().div(b[i]!.abs().max().add(1e-12)).dataSync()[0]!));
}

function direct(detachInput = false): { loss: number; gradients: Tensor[] } {
  const batch = toBatch(draw.items.flat(), 39);
  const { value, grads } = tf.valueAndGrads((...p: Tensor[]) => {
    const states = hiddenStates(model, batch.ids, { lora: toLowRank(writer.write(p, draw.contexts)), detachInput });
    return headLoss(tf.gather(states, batch.rows as Tf.Tensor1D), model.head, batch.target, tf.fill([batch.target.size], 1 / batch.target.size), false) as Tf.Scalar;
  })(writer.parameters);
  return { loss: value.dataSync()[0]!, gradients: grads };
}

test('leaves and micro-batches of any size give the gradients of the whole', () => {
  const expected = direct();
  for (const microBatch of [99, 6, 4, 3, 2, 1]) {
    const got = learn({ microBatch }).gradients(writer.parameters, draw);
    assert.ok(Math.abs(got.loss - expected.loss) < 1e-5, `${microBatch}: ${got.loss} is not ${expected.loss}`);
    assert.ok(gap(got.gradients, expected.gradients) < 1e-4, `${microBatch}: ${gap(got.gradients, expected.gradients)}`);
  }
});

test('computing blocks again instead of keeping them changes nothing; detaching the input does', () => {
  const expected = direct();
  assert.ok(gap(learn({ checkpoint: true }).gradients(writer.parameters, draw).gradients, expected.gradients) < 1e-4);
  const detached = learn({ detachInput: true, checkpoint: true }).gradients(writer.parameters, draw).gradients;
  assert.ok(gap(detached, direct(true).gradients) < 1e-4);
  assert.ok(gap(detached, expected.gradients) > 1e-3, 'the approximate gradient is another one');
});

test('the validation loss weighs tokens, not tasks', () => {
  const nats = direct().loss;
  for (const microBatch of [99, 2]) assert.ok(Math.abs(learn({ microBatch }).validationLoss(writer.parameters) - nats) < 1e-5);
});

test('the contrast is with another repository, not with another commit of the same; alone, a repository has none', () => {
  const at = (repo: string, commit: number) => ({ repo, commit });
  const pushed = (contexts: { repo: string; commit: number }[]) => {
    const own = { contexts, items: contexts.map((_, i) => draw.items[i]!) };
    const [plain, with_] = [{}, { contrast: { weight: 5, margin: 10 } }].map((options) => learn(options).gradients(writer.parameters, own).gradients);
    return gap(with_!, plain!);
  };
  assert.ok(pushed([at('a', 0), at('a', 1), at('b', 0)]) > 1e-3);
  assert.equal(pushed([at('a', 0), at('a', 1), at('a', 2)]), 0);
});

test('the contrast, cut into micro-batches of any size, is that of the whole', () => {
  const contrast = { weight: 2, margin: 10 }, batch = toBatch(draw.items.flat(), 39);
  const sizes = draw.items.map((list) => list.reduce((n, e) => n + e.target.length, 0));
  const weights = tf.tensor1d(draw.items.flatMap((list, c) => list.flatMap((e) => e.target.map(() => 2 / 3 / sizes[c]!))));
  const lossWith = (p: Tensor[], order: string[]) => {
    const states = hiddenStates(model, batch.ids, { lora: toLowRank(writer.write(p, order.map((repo) => ({ repo })))) });
    return headLoss(tf.gather(states, batch.rows as Tf.Tensor1D), model.head, batch.target, weights, false);
  };
  const push = tf.grads((...p: Tensor[]) => lossWith(p, [...'abc']).sub(lossWith(p, [...'bca'])) as Tf.Scalar)(writer.parameters);
  const expected = direct().gradients.map((g, i) => g.add(push[i]!));
  for (const microBatch of [99, 6, 3, 2, 1]) {
    const got = learn({ microBatch, contrast }).gradients(writer.parameters, draw).gradients;
    assert.ok(gap(got, expected) < 1e-4, `${microBatch}: ${gap(got, expected)}`);
  }
});

test('a step against the contrastive gradient raises the margin between own and other adapter', () => {
  const margin = (parameters: Tensor[]) => {
    const lossWith = (order: string[]) => {
      const batch = toBatch(draw.items.flat(), 39);
      const states = hiddenStates(model, batch.ids, { lora: toLowRank(writer.write(parameters, order.map((repo) => ({ repo })))) });
      return headLoss(tf.gather(states, batch.rows as Tf.Tensor1D), model.head, batch.target, tf.fill([batch.target.size], 1 / batch.target.size), false).dataSync()[0]!;
    };
    return lossWith([...'bca']) - lossWith([...'abc']);
  };
  const plain = learn({}).gradients(writer.parameters, draw).gradients;
  const along = (contrast: { weight: number; margin: number }) => {
    const { gradients } = learn({ contrast }).gradients(writer.parameters, draw);
    return margin(writer.parameters.map((p, i) => p.sub(gradients[i]!.sub(plain[i]!).mul(10))));
  };
  const before = margin(writer.parameters), pushed = along({ weight: 5, margin: 10 });
  assert.ok(pushed > before + 1e-4, `${pushed} is not above ${before}`);
  assert.ok(Math.abs(along({ weight: 5, margin: -1000 }) - before) < 1e-6, 'it does nothing once the margin is there');
});
