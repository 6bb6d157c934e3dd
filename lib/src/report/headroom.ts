/**
 * How much there is to win, and how much of it written adapters win: the gain of single LoRA continued on a repository
 * alone (methods/headroom.ts), and of each method (own less average adapter) as a share of it, all on the same tasks.
 */
import { pairedInterval, ratioInterval, type ScoredTask } from '../eval/interval.js';
import type { Interval, Likelihood, Prediction, Suite } from '../eval/types.js';
import type { Run } from '../lab/run.js';
import { groupBy } from '../train/draws.js';
import { isHeadroom, suites } from './labels.js';
import { type NatsDifference, natsDifference, perToken, scored } from './own-vs-other.js';

export interface HeadroomRow {
  suite: Suite;
  method: string;
  /** Of headroom over single LoRA, or of a method's own adapter over the average one. */
  nats: NatsDifference;
  /** The same in strict exact match, as a fraction, on those of the tasks that were decoded. */
  exactMatch?: Interval;
  /** Of a written adapter: its gain over that of headroom by the repository's other tests. Absent where that cannot be told from zero. */
  share?: Interval;
}

/** What is compared: the better of two, and what it is compared with. */
interface Pair {
  method: string;
  better: (row: Pick<Prediction, 'method' | 'adapter'>) => boolean;
  worse: (row: Pick<Prediction, 'method' | 'adapter'>) => boolean;
}

/** Whose adapters are held against the headroom, repository by repository. */
export const HEADROOM_WRITER = 'code2lora-static';

/** @param runs of `headroom()` in lab/studies.ts; without the headroom runs among them there are no rows */
export function headroomOf(runs: readonly Run[]): { rows: HeadroomRow[]; byRepository: RepositoryHeadroom[] } {
  const predictions = runs.flatMap((run) => run.predictions), likelihoods = runs.flatMap((run) => run.likelihoods);
  const measured = likelihoods.some(({ method }) => isHeadroom(method));
  return { rows: headroomRows(predictions, likelihoods), byRepository: measured ? headroomByRepository(likelihoods, HEADROOM_WRITER) : [] };
}

/** Rows of the static track under the seed of the headroom runs; none where these are missing. */
export function headroomRows(predictions: readonly Prediction[], likelihoods: readonly Likelihood[]): HeadroomRow[] {
  const measured = likelihoods.filter(({ method }) => isHeadroom(method)), seed = measured[0]?.seed;
  const own = (method: string) => (row: Pick<Prediction, 'method' | 'adapter'>) => row.method === method && row.adapter === 'own';
  const writers = [...new Set(likelihoods.filter(({ adapter, track }) => adapter === 'average' && track === 'static').map(({ method }) => method))];
  const pairs: Pair[] = [
    ...['headroom-tests', 'headroom-source'].map((method) => ({ method, better: own(method), worse: own('single-lora') })),
    ...writers.map((method) => ({ method, better: own(method), worse: (row: Pick<Prediction, 'method' | 'adapter'>) => row.method === method && row.adapter === 'average' })),
  ];
  return suites.flatMap((suite) => {
    const tasks = new Set(measured.filter((row) => row.suite === suite && row.method === 'headroom-tests').map(({ taskId }) => taskId));
    const here = <Row extends Prediction | Likelihood>(rows: readonly Row[]): Row[] =>
      rows.filter((row) => row.track === 'static' && row.suite === suite && row.seed === seed && tasks.has(row.taskId));
    const nats = here(likelihoods), decoded = here(predictions);
    const found = pairs.flatMap((pair): (HeadroomRow & { gains: ScoredTask[] })[] => {
      const [better, worse] = [nats.filter(pair.better), nats.filter(pair.worse)];
      if (!better.length || better.length !== worse.length) return [];
      const [one, other] = [decoded.filter(pair.better), decoded.filter(pair.worse)];
      return [{
        suite, method: pair.method, nats: natsDifference(better, worse), gains: differences(better, worse),
        ...(one.length > 0 && one.length === other.length && { exactMatch: pairedInterval(one.map(scored), other.map(scored)) }),
      }];
    });
    const all = found.find(({ method }) => method === 'headroom-tests');
    return found.map(({ gains, ...row }) => (all && !isHeadroom(row.method) && all.nats.difference.low > 0
      ? { ...row, share: ratioInterval(gains, gains.map(({ task }) => all.gains.find((other) => other.task === task)!)) } : row));
  });
}

/** What there is to win on one repository, and what is won: gains in nats a token. */
export interface RepositoryHeadroom {
  suite: Suite;
  repo: string;
  tasks: number;
  /** Of single LoRA, trained further on its other tests, and on its source text. */
  tests?: number;
  source?: number;
  /** Of a written adapter over the average one of its method. */
  written?: number;
}

/** @param method that writes adapters. On the tasks that were asked of all. */
export function headroomByRepository(likelihoods: readonly Likelihood[], method: string): RepositoryHeadroom[] {
  const all = likelihoods.filter(({ track }) => track === 'static'), seed = all.find((row) => isHeadroom(row.method))?.seed;
  const tasks = new Set(all.filter((row) => row.method === 'headroom-tests').map(({ suite, taskId }) => `${suite}/${taskId}`));
  const asked = all.filter((row) => row.seed === seed && tasks.has(`${row.suite}/${row.taskId}`));
  return [...groupBy(asked, ({ suite, repo }) => `${suite}/${repo}`).values()].map((rows): RepositoryHeadroom => {
    const { suite, repo } = rows[0]!;
    const level = (of: string, adapter: Prediction['adapter']) => {
      const own = rows.filter((row) => row.method === of && row.adapter === adapter);
      return own.length ? own.reduce((n, row) => n + row.targetNats, 0) / own.reduce((n, row) => n + row.targetTokens, 0) : undefined;
    };
    const gain = (worse: number | undefined, better: number | undefined) => (worse === undefined || better === undefined ? undefined : worse - better);
    const single = level('single-lora', 'own');
    const gains = { tests: gain(single, level('headroom-tests', 'own')), source: gain(single, level('headroom-source', 'own')), written: gain(level(method, 'average'), level(method, 'own')) };
    return { suite, repo, tasks: new Set(rows.map(({ taskId }) => taskId)).size, ...Object.fromEntries(Object.entries(gains).filter(([, value]) => value !== undefined)) };
  }).sort((a, b) => (a.suite === b.suite ? (b.tests ?? 0) - (a.tests ?? 0) : a.suite < b.suite ? -1 : 1));
}

/** Gain of each task in nats a token, counted by its tokens. */
function differences(better: readonly Likelihood[], worse: readonly Likelihood[]): ScoredTask[] {
  const others = new Map(worse.map((row) => [row.taskId, perToken(row)]));
  return better.map(perToken).map((score) => ({ ...score, value: others.get(score.task!)!.value - score.value }));
}
