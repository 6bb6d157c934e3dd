/** The differentiable ops of a transformer step: fused kernels on a CPU, their TensorFlow-op twins on a GPU. */
import * as composite from './composite.js';
import { isFrozen, packable, rowsOf, widen } from './frozen.js';
import { kernels, type AttentionShape, type LowRank } from './kernels.js';
import { tf, usesKernels, type Tensor, type Tf } from './tensorflow.js';

type Save = (tensors: Tensor[]) => void;

/** y = x / rms(x) * w over the last axis. x [N,h], w [h]. */
export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  if (!usesKernels) return composite.rmsNorm(x, w, eps);
  return tf.customGrad((...args: unknown[]) => {
    const [a, b, save] = args as [Tensor, Tensor, Save];
    const [y, rstd] = kernels.rmsNorm(a, b, eps) as [Tensor, Tensor];
    save([a, b, rstd]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => kernels.rmsNormGrad(dy, saved[0]!, saved[1]!, saved[2]!),
    };
  })(x, w);
}

export interface LinearOptions {
  /** [out], added to every row. */
  bias?: Tensor | undefined;
  /** [N,out], what the product is added to. */
  residual?: Tensor | undefined;
  /** At most two. */
  terms?: readonly LowRank[] | undefined;
  /** ForwardOptions. */
  detachInput?: boolean | undefined;
}

/**
 * residual + bias + x W + sum over terms of (x a') b. x [N,in], W [in,out]. A frozen W gets no gradient, nor does the bias
 * beside it: x, the residual and the terms' factors do.
 */
export function linear(x: Tensor, w: Tensor, { bias, residual, terms = [], detachInput = false }: LinearOptions = {}): Tensor {
  if (!usesKernels || !isFrozen(w)) return packable(w) && !terms.length ? trained(x, w, bias, residual) : composite.linear(x, w, bias, residual, terms, detachInput);
  const factors = terms.flatMap(({ a, b }) => [a, b]);
  return tf.customGrad((...args: unknown[]) => {
    const [input, ...list] = args.slice(0, -1) as [Tensor, ...Tensor[]];
    const base = residual && list.pop();
    const own = terms.map((term, i) => ({ ...term, a: list[2 * i]!, b: list[2 * i + 1]! }));
    const [y, ...lows] = kernels.linear(input, w, base && bias ? base.add(bias) : base ?? bias, own) as [Tensor, ...Tensor[]];
    (args.at(-1) as Save)(terms.length ? [input, ...list, ...lows.slice(0, terms.length)] : []);
    return {
      value: y,
      gradFunc: (dy: Tensor, [saved, ...rest]: Tensor[]) => {
        if (terms.some(({ owner }) => owner)) throw new Error('adapters by owner are for answering: they have no gradient');
        const through: Tensor[] = [], ofFactors: Tensor[] = [];
        terms.forEach((_, i) => {
          const a = rest[2 * i]!;
          const [dLow, dA, dB] = kernels.lowRankGrad(dy, saved!, a, rest[2 * i + 1]!, rest[factors.length + i]!) as [Tensor, Tensor, Tensor];
          if (!detachInput) through.push(dLow, a);
          ofFactors.push(dA, dB);
        });
        return [kernels.linearGrad(dy, w, through), ...ofFactors, ...(base ? [dy] : [])];
      },
    };
  })(x, ...factors, ...(residual ? [residual] : []));
}

/** residual + bias + x W for a W that is trained: packed for this product alone, and again for its gradient. */
function trained(x: Tensor, w: Tensor, bias: Tensor | undefined, residual: Tensor | undefined): Tensor {
  const y = tf.customGrad((...args: unknown[]) => {
    const [a, b, save] = args as [Tensor, Tensor, Save];
    save([a, b]);
    return {
      value: kernels.linear(a, kernels.pack(b, false, false))[0]!,
      gradFunc: (dy: Tensor, [input, weight]: Tensor[]) =>
        [kernels.linearGrad(dy, kernels.pack(weight!, false, false)), tf.matMul(input as Tf2, dy as Tf2, true, false)],
    };
  })(x, w);
  const shifted = bias ? y.add(bias) : y;
  return residual ? residual.add(shifted) : shifted;
}

/** Rows of an embedding [V,h], which may be frozen as an output head: ids [N] int32 -> [N,h]. */
export function embed(table: Tensor, ids: Tensor): Tensor {
  if (!isFrozen(table)) return tf.gather(table, ids as Tf.Tensor1D);
  return usesKernels ? kernels.columns(table, ids) : rowsOf(table, ids);
}

/** x E': [N,h] and a head [V,h], which may be frozen -> [N,V]. No gradient for a frozen one, nor through it: see headLoss. */
export function logits(x: Tensor, head: Tensor): Tensor {
  return usesKernels && isFrozen(head) ? kernels.linear(x, head)[0]! : tf.matMul(x as Tf2, widen(head) as Tf2, false, true);
}

/** silu(gate) * up, where gu [N,2m] holds gate then up. */
export function swiGlu(gu: Tensor): Tensor {
  if (!usesKernels) return composite.swiGlu(gu);
  return tf.customGrad((...args: unknown[]) => {
    const [a, save] = args as [Tensor, Save];
    save([a]);
    return {
      value: kernels.swiGlu(a)[0]!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => kernels.swiGluGrad(dy, saved[0]!),
    };
  })(gu);
}

export interface FeedForward {
  norm: Tensor;
  gateUp: Tensor;
  down: Tensor;
}
/** Whether `feedForward` may be called: both matrices are packed alike, and no gradient is asked for. */
export const mayFuse = ({ gateUp, down }: FeedForward): boolean =>
  usesKernels && isFrozen(gateUp) && isFrozen(down) && gateUp.dtype === down.dtype && !tf.engine().isTapeOn();

/** x + down(swiGlu(gateUp(rmsNorm(x)))) in one call, with the bits of its parts. x [N,h] -> [N,h]. No gradient. */
export function feedForward(x: Tensor, { norm, gateUp, down }: FeedForward, eps: number): Tensor {
  return kernels.feedForward(x, norm, gateUp, down, eps);
}

/** The kernel's matrix tiles are 16 columns wide; all models of the field have heads of 32 to 128. */
export const byKernel = (shape: AttentionShape): boolean => usesKernels && shape.dim % 16 === 0;

/**
 * What attention needs to know of a batch's sequences besides q, k and v, made once for all layers. `start` [B] int32: the
 * first real position of each left-padded sequence; without it nothing is padded.
 */
export function places(start: Tensor | undefined, batch: number, time: number, shape: AttentionShape): Tensor[] {
  return byKernel(shape) ? [start ?? tf.zeros([batch], 'int32')] : composite.places(start, time, shape);
}

/**
 * Causal grouped-query self-attention with RoPE. qkv [B,T,(heads+2 kvHeads)*dim] before RoPE; `at` as `places` gives it.
 * Returns [B,T,heads*dim]; padded rows are zero.
 */
export function attention(qkv: Tensor, at: readonly Tensor[], shape: AttentionShape): Tensor {
  if (!byKernel(shape)) return composite.attention(qkv, at, shape);
  const start = at[0]!;
  return tf.customGrad((...args: unknown[]) => {
    const [a, save] = args as [Tensor, Save];
    const [out, lse] = kernels.attention(a, start, shape) as [Tensor, Tensor];
    save([a, start, out, lse]);
    return {
      value: out,
      gradFunc: (dy: Tensor, s: Tensor[]) => kernels.attentionGrad(dy, s[0]!, s[1]!, s[2]!, s[3]!, shape),
    };
  })(qkv);
}

/** Rows of logits alive at once: 512 x 8,192 floats stay in a processor's cache; fewer where the vocabulary is large. */
const logitRows = (vocabulary: number): number => Math.max(128, Math.round(2 ** 22 / vocabulary));

/**
 * Sum over rows of weight * cross-entropy of hidden [N,h] · head^T [h,V] against target [N] (int32), a scalar.
 * Logits are made and consumed a slice at a time; their gradient is computed on the way, so none are kept.
 * `trainHead`: whether the gradient for `head` [V,h] is wanted too, which must not be frozen then.
 */
export function headLoss(hidden: Tensor, head: Tensor, target: Tensor, weight: Tensor, trainHead: boolean): Tensor {
  const run = (h: Tensor, table: Tensor, save: Save) => {
    const e = packable(table) ? kernels.pack(table, true, false) : usesKernels ? table : widen(table);
    const packed = usesKernels && isFrozen(e), vocabulary = packed ? e.shape[0]! * 16 : e.shape[0]!;
    const rows = h.shape[0]!, atOnce = logitRows(vocabulary);
    let loss: Tensor = tf.scalar(0);
    const dHidden: Tensor[] = [];
    let dHead: Tensor | undefined;
    for (let at = 0; at < rows; at += atOnce) {
      const n = Math.min(atOnce, rows - at);
      const part = tf.tidy(() => {
        const x = h.slice([at, 0], [n, -1]) as Tf2, w = weight.slice([at], [n]);
        const [l, d] = (usesKernels ? kernels : composite).crossEntropy(logits(x, e), target.slice([at], [n]), w) as [Tensor, Tf2];
        const out = [loss.add(l.mul(w).sum()), packed ? kernels.linearGrad(d, e) : tf.matMul(d, e as Tf2)];
        if (trainHead) out.push(dHead ? dHead.add(tf.matMul(d, x, true, false)) : tf.matMul(d, x, true, false));
        return out;
      });
      loss.dispose();
      dHead?.dispose();
      [loss, , dHead] = part as [Tensor, Tensor, Tensor];
      dHidden.push(part[1]!);
    }
    save(dHead ? [tf.concat(dHidden, 0), dHead] : [tf.concat(dHidden, 0)]);
    return { value: loss, gradFunc: (dy: Tensor, saved: Tensor[]) => saved.map((s) => s.mul(dy)) };
  };
  return trainHead
    ? tf.customGrad((...args: unknown[]) => run(args[0] as Tensor, args[1] as Tensor, args[2] as Save))(hidden, head)
    : tf.customGrad((...args: unknown[]) => run(args[0] as Tensor, head, args[1] as Save))(hidden);
}

/** -log p of each target [N] (int32) under hidden [N,h] · head^T [h,V]: [N], in nats. No gradient; logits are made a slice at a time. */
export function tokenNats(hidden: Tensor, head: Tensor, target: Tensor): Tensor {
  const vocabulary = usesKernels && isFrozen(head) ? head.shape[0]! * 16 : head.shape[0]!;
  const e = usesKernels ? head : widen(head), rows = hidden.shape[0]!, atOnce = logitRows(vocabulary);
  const parts: Tensor[] = [];
  for (let at = 0; at < rows; at += atOnce) {
    const n = Math.min(atOnce, rows - at);
    parts.push(tf.tidy(() => (usesKernels ? kernels : composite).crossEntropy(
      logits(hidden.slice([at, 0], [n, -1]), e), target.slice([at], [n]), tf.ones([n]))[0]!));
  }
  return parts.length > 1 ? tf.concat(parts) : parts[0]!;
}
type Tf2 = import('./tensorflow.js').Tf.Tensor2D;
