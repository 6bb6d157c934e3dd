/** What comparisons with another repository's adapter say, in words: one sentence a track and suite for all methods that agree. */
import { smallestDetectable } from '../eval/interval.js';
import type { Interval } from '../eval/types.js';
import { groupBy } from '../train/draws.js';
import { methodLabel, SUITES, suites, TRACKS, tracks } from './labels.js';
import type { Comparison } from './own-vs-other.js';
import { nats, points } from './table.js';

type Judgement = 'better' | 'worse' | 'undecided' | 'single';

/** What an interval of "own less other" says. */
export function judge({ low, high }: Interval): Judgement {
  if (Number.isNaN(low)) return 'single';
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided';
}

export const WORDS: Record<Judgement, string> = {
  better: "is better than another repository's",
  worse: "is worse than another repository's",
  undecided: "cannot be told from another repository's",
  single: 'was asked of a single repository, which says nothing about others',
};

/** The ruler of a verdict is the likelihood where it was taken, else exact match. */
export function verdicts(comparisons: readonly Comparison[]): string[] {
  const others = comparisons.filter(({ control }) => control === 'other');
  return tracks.flatMap((track) => suites.flatMap((suite) => {
    const here = others.filter((one) => one.track === track && one.suite === suite);
    return [...groupBy(here, (one) => `${one.nats ? 'log-likelihood' : 'exact match'}/${judge(one.nats?.difference ?? one.difference)}`)].map(([key, list]) => {
      const [ruler, judgement] = key.split('/') as [string, Judgement];
      return `${TRACKS[track]}, ${SUITES[suite]}: by ${ruler} the own adapter ${WORDS[judgement]} with ${list.map(described).join('; ')}.`;
    });
  }));
}

/** `Code2LoRA-Static (+0.024 [0.013, 0.034] nats a token)`, and what could have been seen where nothing was. */
function described({ method, difference, nats: byNats }: Comparison): string {
  const interval = byNats?.difference ?? difference, format = byNats ? nats : points, unit = byNats ? 'nats a token' : 'points';
  if (judge(interval) === 'single') return methodLabel(method);
  const seen = judge(interval) === 'undecided' ? `; ${format(smallestDetectable(interval)).replace('+', '')} could have been seen` : '';
  return `${methodLabel(method)} (${format(interval.mean)} [${format(interval.low)}, ${format(interval.high)}] ${unit}${seen})`;
}
