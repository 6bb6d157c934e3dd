/** Learning of all weights of the model itself: full fine-tuning. */
import { headLoss } from '../engine/ops.js';
import { tf, tidy, type Tensor, type Tf } from '../engine/tensorflow.js';
import { hiddenStates } from '../model/transformer.js';
import { fromList, listNames, thawed, toList, type Model } from '../model/weights.js';
import { tasksAtOnce, toBatch, type Batch, type Example } from './examples.js';
import { readSum, type Learner } from './learner.js';

/**
 * Starts from a copy of `model`, which stays as it is.
 * @param most tasks that go through the model at once, where memory holds so many
 */
export function weightsLearner(model: Model, validation: readonly Example[], most: number, pad: number): Learner {
  const lossOf = (weights: Tensor[], batch: Batch, weight: number): Tf.Scalar => {
    const own = fromList(model.config, weights);
    const states = tf.gather(hiddenStates(own, batch.ids), batch.rows as Tf.Tensor1D);
    return headLoss(states, own.head, batch.target, tf.fill([batch.target.size], weight), true) as Tf.Scalar;
  };
  return {
    parameters: toList(thawed(model)),
    names: listNames(model.config),
    gradients: (parameters, draw) => tidy(() => {
      const all = draw.items.flat();
      const total = all.reduce((n, e) => n + e.target.length, 0);
      const microBatch = tasksAtOnce(model.config, all, most, false);
      let tokens = 0, sum: Tensor[] | undefined;
      const losses: Tensor[] = [];
      for (let at = 0; at < all.length; at += microBatch) {
        const items = all.slice(at, at + microBatch);
        const batch = toBatch(items, pad);
        const { value, grads } = tidy(() => tf.valueAndGrads((...w: Tensor[]) => lossOf(w, batch, 1 / total))(parameters));
        losses.push(value);
        tokens += batch.ids.size;
        const before = sum;
        sum = before ? before.map((s, i) => s.add(grads[i]!)) : grads;
        // As large as the model each: no longer than they are needed.
        if (before) tf.dispose([before, grads]);
      }
      return { loss: readSum(losses), gradients: sum!, tokens };
    }),
    validationLoss: (parameters) => {
      const microBatch = tasksAtOnce(model.config, validation, most, false);
      let nats = 0, tokens = 0;
      for (let at = 0; at < validation.length; at += microBatch) {
        const items = validation.slice(at, at + microBatch);
        nats += tidy(() => lossOf(parameters, toBatch(items, pad), 1).dataSync()[0]!);
        tokens += items.reduce((n, e) => n + e.target.length, 0);
      }
      return nats / tokens;
    },
  };
}
