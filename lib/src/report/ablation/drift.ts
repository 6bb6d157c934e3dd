/** How far adapters move along a history: the cosine of what they add to the model's weights, commit by commit. */
import type { Adapter } from '../../lora/adapter.js';
import { deltaGram } from '../../lora/gram.js';

export interface Drift {
  /** Position of the commit among those that were given. */
  commit: number;
  /** Cosine between its adapter and that of the commit before; absent for the first. */
  toPrevious?: number;
  toFirst: number;
}

/** Cosines of the changes of the weights, all layers and projections together; NaN where an adapter changes nothing. @param adapters of one repository, oldest commit first */
export function adapterDrift(adapters: readonly Adapter[]): Drift[] {
  const gram = deltaGram(adapters), cosine = (i: number, k: number) => gram[i]![k]! / Math.sqrt(gram[i]![i]! * gram[k]![k]!);
  return adapters.map((_, commit) => ({ commit, toFirst: cosine(commit, 0), ...(commit > 0 && { toPrevious: cosine(commit, commit - 1) }) }));
}
