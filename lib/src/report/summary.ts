/** From one row a prediction to one row a (track, method, adapter, suite): every score a mean with its interval. */
import { clusteredInterval } from '../eval/interval.js';
import type { Interval, Prediction } from '../eval/types.js';
import { groupBy } from '../train/draws.js';

export interface SummaryRow extends Pick<Prediction, 'track' | 'method' | 'adapter' | 'suite'> {
  /** How many training seeds the predictions come from. */
  seeds: number;
  /** Fractions in [0, 1]. */
  strictEM: Interval;
  relaxedEM: Interval;
  editSimilarity: Interval;
  codeBleu: Interval;
}

/**
 * Mean scores with 95% intervals over repositories and, where there are several, training seeds, in the order in which
 * methods, adapters and suites first appear. `seed` is that of the bootstrap.
 */
export function summarise(predictions: readonly Prediction[], seed = 0): SummaryRow[] {
  const groups = groupBy(predictions, ({ track, method, adapter, suite }) => `${track}/${method}/${adapter}/${suite}`);
  return [...groups.values()].map((list) => {
    const { track, method, adapter, suite } = list[0]!;
    const interval = (value: (p: Prediction) => number): Interval =>
      clusteredInterval(list.map((p) => ({ repo: p.repo, seed: p.seed, value: value(p) })), { seed });
    return {
      track, method, adapter, suite, seeds: new Set(list.map((p) => p.seed)).size,
      strictEM: interval((p) => Number(p.strictEM)),
      relaxedEM: interval((p) => Number(p.relaxedEM)),
      editSimilarity: interval((p) => p.editSimilarity),
      codeBleu: interval((p) => p.codeBleu),
    };
  });
}
