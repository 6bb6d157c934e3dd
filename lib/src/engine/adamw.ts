/**
 * AdamW over a list of parameters that the optimiser owns (Loshchilov & Hutter 2019), with clipping by global norm.
 * The state is plain tensors, so that a checkpoint can hold it.
 */
import { kernels, trimMemory } from './kernels.js';
import { tf, usesKernels, type Tensor } from './tensorflow.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  /** Decoupled weight decay, applied to parameters of two or more dimensions only. */
  weightDecay: number;
  /** Gradients are scaled down to this global L2 norm. */
  clip: number;
}

export class AdamW {
  readonly m: Tensor[];
  readonly v: Tensor[];
  step = 0;

  /** @param parameters owned by the optimiser, and no clones: an update changes their values in place, or on a GPU puts new tensors into the list. */
  constructor(public readonly parameters: Tensor[], public readonly options: AdamWOptions) {
    // Making large parameters left holes as large as they are.
    trimMemory();
    this.m = parameters.map((p) => tf.keep(tf.zerosLike(p)));
    this.v = parameters.map((p) => tf.keep(tf.zerosLike(p)));
  }

  /** One update. Returns the gradients' global norm before clipping; a non-finite norm changes nothing. */
  update(gradients: Tensor[], learningRate: number): number {
    const { beta1, beta2, eps, weightDecay, clip } = this.options;
    const norm = Math.sqrt(2 * tf.tidy(() => tf.addN(gradients.map((g) => kernels.halfSquaredNorm(g))).dataSync()[0]!));
    if (!Number.isFinite(norm)) return norm;
    this.step++;
    const scale = norm > clip ? clip / norm : 1;
    this.parameters.forEach((p, i) => {
      const decay = p.rank >= 2 ? weightDecay : 0;
      const hyper = [learningRate, beta1, beta2, eps, decay, 1 - beta1 ** this.step, 1 - beta2 ** this.step, scale];
      if (usesKernels) {
        tf.tidy(() => { kernels.adamW(p, this.m[i]!, this.v[i]!, gradients[i]!, tf.tensor1d(hyper)); });
        return;
      }
      const next = tf.tidy(() => adamWOps(p, this.m[i]!, this.v[i]!, gradients[i]!, hyper));
      [p, this.m[i]!, this.v[i]!].forEach((t) => t.dispose());
      [this.parameters[i], this.m[i], this.v[i]] = next.map((t) => tf.keep(t)) as [Tensor, Tensor, Tensor];
    });
    return norm;
  }

  dispose(): void {
    tf.dispose([this.m, this.v]);
  }
}

/** The kernel's arithmetic in TensorFlow ops, for a GPU. */
function adamWOps(p: Tensor, m: Tensor, v: Tensor, g: Tensor, hyper: number[]): Tensor[] {
  const [lr, b1, b2, eps, decay, c1, c2, scale] = hyper as [number, number, number, number, number, number, number, number];
  const gs = g.mul(scale);
  const mo = m.mul(b1).add(gs.mul(1 - b1)), vo = v.mul(b2).add(gs.square().mul(1 - b2));
  return [p.mul(1 - lr * decay).sub(mo.div(c1).mul(lr).div(vo.div(c2).sqrt().add(eps))), mo, vo];
}
