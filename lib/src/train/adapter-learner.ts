/**
 * Learning through adapters for a frozen model. The adapters of a step are written once and cut off as leaves; the
 * model's gradients for them are added up over micro-batches; then one backward pass goes through whatever wrote them.
 * The result is exact, and at no time is more than one micro-batch's graph alive.
 */
import { gradientsOf } from '../engine/gradients.js';
import { trimMemory } from '../engine/kernels.js';
import { headLoss } from '../engine/ops.js';
import { tf, tidy, type Tensor, type Tf } from '../engine/tensorflow.js';
import { adapterTensors, toLowRank, withTensors, type Adapter } from '../lora/adapter.js';
import { hiddenStates } from '../model/transformer.js';
import type { Model } from '../model/weights.js';
import { tasksAtOnce, toBatch, type Batch, type Example } from './examples.js';
import { groupBy, slices, type Context, type Draw } from './draws.js';
import { readSum, type Gradients, type Learner } from './learner.js';

/** Parameters, and how they become adapters for a list of contexts. */
export interface AdapterWriter {
  parameters: Tensor[];
  names: string[];
  /** One adapter for all (factors of rank 2), or one for each context (batched factors of rank 3), perhaps with a shared one. Differentiable. */
  write(parameters: Tensor[], contexts: Context[]): Adapter;
}

export interface AdapterLearning {
  /** Tasks that go through the model at once; fewer where `trainingTokensAtOnce` does not hold so many. */
  microBatch: number;
  /** As in ForwardOptions. */
  detachInput: boolean;
  checkpoint: boolean;
  /**
   * Adds weight · max(0, margin + own - other) a context, of the tasks' mean loss under their own adapter and under
   * that of another repository of the same step: the own adapter is to be better by `margin` nats a token.
   */
  contrast?: { weight: number; margin: number };
}

/** @param pad token that fills up batches */
export function adapterLearner(
  model: Model, writer: AdapterWriter, validation: readonly Example[], contextOf: (e: Example) => Context, options: AdapterLearning, pad: number,
): Learner {
  const forward = { detachInput: options.detachInput, checkpoint: options.checkpoint };
  /** Hidden states from which the target tokens are predicted. */
  const statesOf = (adapter: Adapter, batch: Batch): Tensor =>
    tf.gather(hiddenStates(model, batch.ids, { lora: toLowRank(adapter), ...forward }), batch.rows as Tf.Tensor1D);
  const lossOf = (adapter: Adapter, batch: Batch, weight: Tensor): Tf.Scalar =>
    headLoss(statesOf(adapter, batch), model.head, batch.target, weight, false) as Tf.Scalar;

  const parts = (draw: Draw): MicroBatch[] => microBatches(draw, tasksAtOnce(model.config, draw.items.flat(), options.microBatch, options.checkpoint));

  function gradients(parameters: Tensor[], draw: Draw): Gradients {
    return tidy(() => {
      const written = writer.write(parameters, draw.contexts);
      const leaves = adapterTensors(written);
      const rebuild = (list: Tensor[]) => withTensors(written, list);
      const total = draw.items.flat().reduce((n, e) => n + e.target.length, 0);
      let tokens = 0, sums: Tensor[] = [];
      const losses: Tensor[] = [];
      const add = (list: Tensor[]) => {
        const before = sums;
        sums = before.length ? list.map((g, i) => before[i]!.add(g)) : list;
        if (before.length) tf.dispose([before, list]);
      };
      for (const { from, to, items } of parts(draw)) {
        const part = tidy(() => {
          const batch = toBatch(items, pad);
          const weight = tf.fill([batch.target.size], 1 / total);
          const own = leaves.map((t) => (isBatched(t) ? t.slice([from], [to - from]) : t));
          const { value, grads } = tf.valueAndGrads((...x: Tensor[]) => lossOf(rebuild(x), batch, weight))(own);
          tokens += batch.ids.size;
          losses.push(tf.keep(value));
          // A micro-batch's gradient stands in its contexts' rows of the whole.
          return grads.map((g) => (isBatched(g) ? rowsOf(g, from, draw.contexts.length) : g));
        });
        add(part);
      }
      if (options.contrast && leaves.some(isBatched)) tokens += contrast(draw, leaves, rebuild, options.contrast, add);
      // A writer whose parameters are the factors themselves needs no second pass.
      if (leaves.every((t, i) => t === parameters[i])) return { loss: readSum(losses), gradients: sums, tokens };
      if (options.checkpoint) trimMemory();
      const through = gradientsOf((p) =>
        tf.addN(adapterTensors(writer.write(p, draw.contexts)).map((t, i) => t.mul(sums[i]!).sum())), parameters);
      return { loss: readSum(losses), gradients: through, tokens };
    });
  }

  /**
   * Each context's tasks once more, under their own adapter and under that of the next repository; nothing where there is one
   * only. `add` is given the gradients for the leaves, a micro-batch at a time. Returns the tokens that went through the model.
   */
  function contrast(
    draw: Draw, leaves: Tensor[], rebuild: (list: Tensor[]) => Adapter, { weight, margin }: { weight: number; margin: number }, add: (gradients: Tensor[]) => void,
  ): number {
    const indices = draw.contexts.map((_, c) => c), others = indices.map((c) => nextRepository(draw.contexts, c));
    const sizes = draw.items.map((list) => list.reduce((n, e) => n + e.target.length, 0));
    const batches = parts(draw).map(({ from, to, items }) => {
      const share = items.length / (to - from);
      // Target tokens stand in the order of the contexts.
      return { from, to, items, owner: items.flatMap((e, i) => e.target.map(() => from + Math.floor(i / share))) };
    });
    const under = (list: Tensor[], rows: readonly number[]) => rebuild(list.map((t) => (isBatched(t) ? tf.gather(t, tf.tensor1d([...rows], 'int32')) : t)));
    let tokens = 0;
    /** The mean loss of each context's tasks under the adapter in row `rows[context]`. */
    const losses = (rows: readonly number[]) => {
      const sums = indices.map(() => 0);
      for (const { from, to, items, owner } of batches) tidy(() => {
        const batch = toBatch(items, pad), states = statesOf(under(leaves, rows.slice(from, to)), batch);
        tokens += batch.ids.size;
        for (let at = 0; at < owner.length;) {
          const c = owner[at]!, size = owner.lastIndexOf(c) + 1 - at;
          const [some, target] = [states.slice([at], [size]), batch.target.slice([at], [size])];
          sums[c]! += headLoss(some, model.head, target, tf.fill([size], 1 / sizes[c]!), false).dataSync()[0]!;
          at += size;
        }
      });
      return sums;
    };
    const own = losses(indices), other = losses(others);
    const active = own.map((x, c) => (others[c] !== c && margin + x - other[c]! > 0 ? weight / draw.contexts.length : 0));
    for (const { from, to, items, owner } of batches) {
      if (owner.every((c) => active[c] === 0)) continue;
      for (const [rows, sign] of [[indices, 1], [others, -1]] as const) {
        add(tidy(() => {
          const batch = toBatch(items, pad), weights = tf.tensor1d(owner.map((c) => (sign * active[c]!) / sizes[c]!));
          tokens += batch.ids.size;
          return tf.grads((...x: Tensor[]) => lossOf(under(x, rows.slice(from, to)), batch, weights))(leaves);
        }));
      }
    }
    return tokens;
  }

  /** Contexts with equally many tasks go through the model together. */
  function validationLoss(parameters: Tensor[]): number {
    const perContext = [...groupBy(validation, (e) => JSON.stringify(contextOf(e))).values()];
    let nats = 0, tokens = 0;
    for (const lists of slices([...groupBy(perContext, (items) => items.length).values()], WRITTEN_AT_ONCE)) {
      const draw: Draw = { contexts: lists.map((items) => contextOf(items[0]!)), items: lists };
      nats += tidy(() => {
        const written = writer.write(parameters, draw.contexts);
        return parts(draw).reduce((sum, { from, to, items }) => sum + tidy(() => {
          const own = adapterTensors(written).map((t) => (isBatched(t) ? t.slice([from], [to - from]) : t));
          const batch = toBatch(items, pad);
          tokens += batch.target.size;
          return lossOf(withTensors(written, own), batch, tf.ones([batch.target.size])).dataSync()[0]!;
        }), 0);
      });
    }
    return nats / tokens;
  }

  return { parameters: writer.parameters, names: writer.names, gradients, validationLoss };
}

/** Contexts whose adapters are alive at once when the validation loss is measured: a paper-size one takes megabytes. */
const WRITTEN_AT_ONCE = 64;

/** Where the next context of another repository stands; `at` itself where there is none. */
function nextRepository(contexts: readonly Context[], at: number): number {
  for (let step = 1; step < contexts.length; step++) {
    const next = (at + step) % contexts.length;
    if (contexts[next]!.repo !== contexts[at]!.repo) return next;
  }
  return at;
}

/** Factors of each context, [R, rows, columns], unlike those that all share. */
const isBatched = (factor: Tensor): boolean => factor.rank === 3;

/** g [n, ...] as the rows `from` on of zeros [count, ...]. */
function rowsOf(g: Tensor, from: number, count: number): Tensor {
  const n = g.shape[0]!;
  return n === count ? g : tf.pad(g, [[from, count - from - n], ...g.shape.slice(1).map((): [number, number] => [0, 0])]);
}

interface MicroBatch {
  /** The contexts `from` to `to`, exclusive, have equal shares of `items`. */
  from: number;
  to: number;
  items: Example[];
}

/** Whole contexts while they fit; one whose tasks alone are too many is cut. */
function microBatches({ contexts, items }: Draw, most: number): MicroBatch[] {
  const each = items[0]!.length, atOnce = Math.max(1, Math.floor(most / each));
  const out: MicroBatch[] = [];
  for (let from = 0; from < contexts.length; from += atOnce) {
    const to = Math.min(contexts.length, from + atOnce);
    const all = items.slice(from, to).flat(), size = to - from > 1 ? all.length : most;
    for (let at = 0; at < all.length; at += size) out.push({ from, to, items: all.slice(at, at + size) });
  }
  return out;
}
