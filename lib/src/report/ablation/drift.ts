/** How far adapters move along a history: the cosine of what they add to the model's weights, commit by commit. */
import { tf, tidy } from '../../engine/tensorflow.js';
import { type Adapter, projections } from '../../lora/adapter.js';

export interface Drift {
  /** Position of the commit among those that were given. */
  commit: number;
  /** Cosine between its adapter and that of the commit before; absent for the first. */
  toPrevious?: number;
  toFirst: number;
}

/** @param adapters of one repository, oldest commit first */
export function adapterDrift(adapters: readonly Adapter[]): Drift[] {
  return adapters.map((adapter, commit) => ({
    commit, toFirst: cosine(adapter, adapters[0]!), ...(commit > 0 && { toPrevious: cosine(adapter, adapters[commit - 1]!) }),
  }));
}

/** Cosine of the changes of the weights, B·A of all layers and projections together; NaN where one changes nothing. */
function cosine(x: Adapter, y: Adapter): number {
  return inner(x, y) / Math.sqrt(inner(x, x) * inner(y, y));
}

/** ⟨B₁A₁, B₂A₂⟩ = Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ): products of [rank, rank] in place of [out, in]. */
function inner(x: Adapter, y: Adapter): number {
  return tidy(() => tf.addN(x.layers.flatMap((layer, i) => projections.map((p) => {
    const [one, two] = [layer[p], y.layers[i]![p]];
    return tf.matMul(one.b, two.b, true, false).mul(tf.matMul(one.a, two.a, false, true)).sum();
  }))).dataSync()[0]!);
}
