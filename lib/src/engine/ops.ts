/** The differentiable ops of a transformer step: fused kernels on a CPU, their TensorFlow-op twins on a GPU. */
import * as composite from './composite.js';
import { kernels, type AttentionShape } from './kernels.js';
import { onGpu, tf, type Tensor } from './tensorflow.js';

type Save = (tensors: Tensor[]) => void;

/** y = x / rms(x) * w over the last axis. x [N,h], w [h]. */
export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  if (onGpu) return composite.rmsNorm(x, w, eps);
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

/**
 * x W + sum over terms of (x a') b, for a frozen W: gradients for x and the terms' factors. x [N,in], W [in,out];
 * a [S,r,in], b [S,r,out], where the rows are the equal, consecutive shares of S repositories (S is 1 for all alike).
 * `detachInput`: ForwardOptions.
 */
export function adaptedLinear(x: Tensor, w: Tensor, terms: readonly { a: Tensor; b: Tensor }[], detachInput: boolean): Tensor {
  const factors = terms.flatMap(({ a, b }) => [a, b]);
  // The kernel's matrix tiles are 16 columns wide.
  if (onGpu || detachInput || w.shape.some((n) => n % 16)) return composite.adaptedLinear(x, w, terms, detachInput);
  return tf.customGrad((...args: unknown[]) => {
    const [input, ...list] = args.slice(0, -1) as [Tensor, ...Tensor[]];
    const y: Tensor = tf.matMul(input as Tf2, w as Tf2);
    const lows = terms.map((_, i) => kernels.lowRank(y, input, list[2 * i]!, list[2 * i + 1]!)[0]!);
    (args.at(-1) as Save)([input, w, ...list, ...lows]);
    return {
      value: y,
      gradFunc: (dy: Tensor, [saved, weight, ...rest]: Tensor[]) => {
        const dx: Tensor = tf.matMul(dy as Tf2, weight as Tf2, false, true);
        return [dx, ...terms.flatMap((_, i) => kernels.lowRankGrad(dx, dy, saved!, rest[2 * i]!, rest[2 * i + 1]!, rest[factors.length + i]!))];
      },
    };
  })(x, ...factors);
}

/** silu(gate) * up, where gu [N,2m] holds gate then up. */
export function swiGlu(gu: Tensor): Tensor {
  if (onGpu) return composite.swiGlu(gu);
  return tf.customGrad((...args: unknown[]) => {
    const [a, save] = args as [Tensor, Save];
    save([a]);
    return {
      value: kernels.swiGlu(a)[0]!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => kernels.swiGluGrad(dy, saved[0]!),
    };
  })(gu);
}

/**
 * Causal grouped-query self-attention with RoPE. qkv [B,T,(heads+2 kvHeads)*dim] before RoPE; start [B] int32, the
 * first real position of each left-padded sequence. Returns [B,T,heads*dim]; padded rows are zero.
 */
export function attention(qkv: Tensor, start: Tensor, shape: AttentionShape): Tensor {
  // The kernel's matrix tiles are 16 columns wide; all models of the field have heads of 32 to 128.
  if (onGpu || shape.dim % 16) return composite.attention(qkv, start, shape);
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
 * `trainHead`: whether the gradient for `head` [V,h] is wanted too.
 */
export function headLoss(hidden: Tensor, head: Tensor, target: Tensor, weight: Tensor, trainHead: boolean): Tensor {
  if (onGpu) return composite.crossEntropy(tf.matMul(hidden as Tf2, head as Tf2, false, true), target, weight);
  const run = (h: Tensor, e: Tensor, save: Save) => {
    const rows = h.shape[0]!, atOnce = logitRows(e.shape[0]!);
    let loss: Tensor = tf.scalar(0);
    const dHidden: Tensor[] = [];
    let dHead: Tensor | undefined;
    for (let at = 0; at < rows; at += atOnce) {
      const n = Math.min(atOnce, rows - at);
      const part = tf.tidy(() => {
        const x = h.slice([at, 0], [n, -1]) as Tf2, w = weight.slice([at], [n]);
        const [l, d] = kernels.crossEntropy(tf.matMul(x, e as Tf2, false, true), target.slice([at], [n]), w) as [Tensor, Tf2];
        const out = [loss.add(l.mul(w).sum()), tf.matMul(d, e as Tf2)];
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
type Tf2 = import('./tensorflow.js').Tf.Tensor2D;
