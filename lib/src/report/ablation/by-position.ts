/**
 * Scores along histories (paper, per-commit decay): a task's position is that of its commit among its repository's kept
 * commits, from 0 for the first to 1 for the last. Does an adapter go stale while its repository moves on?
 */
import { clusteredInterval, pairedInterval } from '../../eval/interval.js';
import type { Interval, Likelihood, Prediction, Suite } from '../../eval/types.js';
import { UserError } from '../../store/errors.js';
import { type NatsDifference, natsDifference, scored } from '../own-vs-other.js';
import type { Choice } from './rows.js';

export interface PositionRow {
  choice: string;
  adapter: 'own' | 'first' | 'none';
  /** The bin of positions, `to` not included but for the last. */
  from: number;
  to: number;
  /** Strict EM as a fraction, with its 95% interval. */
  score: Interval;
  /** Of the own adapter: own less the first commit's, kept; task by task. */
  gain?: Interval;
  /** The same in nats a target token; above zero, the own adapter is the better one. */
  gainNats?: NatsDifference;
}

export interface PositionOptions {
  suite?: Suite;
  /** Equally wide bins. */
  bins?: number;
}

/**
 * A row for each choice, adapter and bin that has tasks. Repositories of a single kept commit have no positions and are
 * left out.
 * @param commits kept commits of each repository
 * @throws UserError when a repository is not among them
 */
export function byPosition(
  choices: readonly Choice[], commits: ReadonlyMap<string, number>, { suite = 'CR', bins = 5 }: PositionOptions = {},
): PositionRow[] {
  const binOf = ({ repo, commitIndex }: Pick<Prediction, 'repo' | 'commitIndex'>): number | undefined => {
    const count = commits.get(repo);
    if (count === undefined) throw new UserError(`How many commits ${repo} has is not known: give the counts of the evolution track these answers are from.`);
    return count > 1 ? Math.min(bins - 1, Math.floor((bins * commitIndex) / (count - 1))) : undefined;
  };
  return choices.flatMap(({ name, predictions, likelihoods = [] }) => {
    const among = <Row extends Prediction | Likelihood>(rows: readonly Row[], adapter: PositionRow['adapter'], bin: number): Row[] =>
      rows.filter((p) => p.suite === suite && p.track === 'evolution' && p.adapter === adapter && binOf(p) === bin);
    const inBin = (adapter: PositionRow['adapter'], bin: number) => among(predictions, adapter, bin).map(scored);
    return (['none', 'own', 'first'] as const).flatMap((adapter) => Array.from({ length: bins }, (_, bin): PositionRow[] => {
      const list = inBin(adapter, bin), first = adapter === 'own' ? inBin('first', bin) : [];
      if (list.length === 0) return [];
      const own = adapter === 'own' ? among(likelihoods, 'own', bin) : [], kept = adapter === 'own' ? among(likelihoods, 'first', bin) : [];
      return [{
        choice: name, adapter, from: bin / bins, to: (bin + 1) / bins, score: clusteredInterval(list),
        ...(first.length > 0 && { gain: pairedInterval(list, first) }),
        ...(own.length > 0 && kept.length > 0 && { gainNats: natsDifference(own, kept) }),
      }];
    }).flat());
  });
}
