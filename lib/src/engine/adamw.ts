/**
 * AdamW over a list of parameters that the optimiser owns (Loshchilov & Hutter 2019), with clipping by global norm.
 * The state is plain tensors, so that a checkpoint can hold it.
 */
import { owned } from './arrays.js';
import * as composite from './composite.js';
import { kernels, trimMemory } from './kernels.js';
import { recorded } from './recorded.js';
import { tf, tidy, usesKernels, type Tensor } from './tensorflow.js';

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

  /**
   * @param parameters taken over: the list holds other tensors from now on. An update changes their values in place (on a GPU
   *   it puts in new ones), so they are copied out of whatever they share their memory with: another tensor, or a JavaScript array.
   */
  constructor(public readonly parameters: Tensor[], public readonly options: AdamWOptions) {
    parameters.forEach((p, i) => { parameters[i] = owned(p); });
    // Making large parameters left holes as large as they are.
    trimMemory();
    this.m = parameters.map((p) => tf.keep(tf.zerosLike(p)));
    this.v = parameters.map((p) => tf.keep(tf.zerosLike(p)));
  }

  /** One update. Returns the gradients' global norm before clipping; a non-finite norm changes nothing. */
  update(gradients: Tensor[], learningRate: number): number {
    const { beta1, beta2, eps, weightDecay, clip } = this.options;
    const norm = Math.sqrt(2 * tf.tidy(() =>
      recorded('norm', gradients, (all) => [tf.addN(all.map((g) => kernels.halfSquaredNorm(g)))])[0]!.dataSync()[0]!));
    if (!Number.isFinite(norm)) return norm;
    this.step++;
    const scale = norm > clip ? clip / norm : 1;
    const hyper = (decay: number) => tf.tensor1d([learningRate, beta1, beta2, eps, decay, 1 - beta1 ** this.step, 1 - beta2 ** this.step, scale]);
    if (usesKernels) {
      this.parameters.forEach((p, i) => {
        tf.tidy(() => { kernels.adamW(p, this.m[i]!, this.v[i]!, gradients[i]!, hyper(p.rank >= 2 ? weightDecay : 0)); });
      });
    } else this.updateByOps(gradients, hyper(weightDecay));
    return norm;
  }

  /** All parameters in one piece of work; the lists hold new tensors afterwards. */
  private updateByOps(gradients: Tensor[], hyper: Tensor): void {
    const lists = [this.parameters, this.m, this.v], count = gradients.length;
    const next = recorded('AdamW', [...lists.flat(), ...gradients, hyper], (all) => {
      const numbers = tf.unstack(all.at(-1)!);
      const updated = gradients.map((_, i) => tidy(() => composite.adamW(all[i]!, all[count + i]!, all[2 * count + i]!, all[3 * count + i]!, numbers, all[i]!.rank >= 2)));
      return [0, 1, 2].flatMap((part) => updated.map((of) => of[part]!));
    });
    tf.dispose([lists.flat(), hyper]);
    lists.forEach((list, part) => { list.splice(0, count, ...next.slice(part * count, (part + 1) * count).map((t) => tf.keep(t))); });
  }

  dispose(): void {
    tf.dispose([this.m, this.v]);
  }
}
