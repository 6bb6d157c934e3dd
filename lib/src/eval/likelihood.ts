/**
 * How probable the true target is: its log-likelihood under the prompt that decoding starts from, teacher-forced, in one pass
 * and without decoding. Exact match asks whether the most probable text is the right one; this asks by how much it is not.
 */
import { tokenNats } from '../engine/ops.js';
import { tf, tidy, type Tf } from '../engine/tensorflow.js';
import { hiddenStates, ownedBy, type LowRankLayer } from '../model/transformer.js';
import { windowTokensAtOnce } from '../model/memory.js';
import type { Model } from '../model/weights.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { toBatch, type Example } from '../train/examples.js';
import { batches, forPrompts, type Adapted } from './predict.js';

export interface Nats {
  /** Negative log-likelihood of the target's own tokens, without EOS. */
  targetNats: number;
  targetTokens: number;
  /** Of EOS after the target, whether or not the format has it learnt. */
  eosNats: number;
}

/** In the order of `examples`, by the model as it is or with adapters, of which a batch may hold several. */
export function likelihoods(
  model: Model, examples: readonly Example[], tokenizer: Pick<Tokenizer, 'eos'>, tick: (done: number) => void, adapted?: Adapted,
): Nats[] {
  const whole = examples.map((e) => ({ ...e, target: e.target.at(-1) === tokenizer.eos ? e.target : [...e.target, tokenizer.eos] }));
  const out: Nats[] = Array<Nats>(examples.length);
  for (const some of batches(whole.map((e) => e.prefix.length + e.target.length), windowTokensAtOnce(model.config), adapted?.owners)) {
    const nats = tidy(() => {
      const batch = toBatch(some.map((i) => whole[i]!), tokenizer.eos);
      const states = hiddenStates(model, batch.ids, adapted && { lora: loraOf(adapted, some.map((i) => adapted.owners[i]!)) });
      return tokenNats(tf.gather(states, batch.rows as Tf.Tensor1D), model.head, batch.target).dataSync<'float32'>();
    });
    let row = 0;
    for (const i of some) {
      const own = nats.subarray(row, row + whole[i]!.target.length);
      out[i] = { targetNats: own.subarray(0, -1).reduce((a, b) => a + b, 0), targetTokens: own.length - 1, eosNats: own.at(-1)! };
      row += own.length;
    }
    tick(some.length);
  }
  return out;
}

/** The adapters of a batch's sequences, as the transformer applies them. */
function loraOf(adapted: Adapted, owners: readonly number[]): LowRankLayer[] {
  const { lora, owners: places } = forPrompts(adapted.adapters, owners);
  const owner = tf.tensor1d([...places], 'int32');
  return lora.map((layer) => ownedBy(layer, owner));
}
