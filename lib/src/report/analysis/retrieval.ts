/** Retrieval under several chunk sizes and numbers (Table 8), and who has a dependency context and what it brings (Table 11). */
import { clusteredInterval, pairedInterval } from '../../eval/interval.js';
import type { Prediction, Suite } from '../../eval/types.js';
import type { SweptRun } from '../../lab/sweep-run.js';
import { methodLabel, SUITES, suites } from '../labels.js';
import { natsDifference, scored } from '../own-vs-other.js';
import type { PublishedResults } from '../published.js';
import { nats, percent, points, type ReportTable, whole } from '../table.js';

/** One way to retrieve: what it is called, and the paper's chunk size and number where it has the same part to play. */
export type RagRun = SweptRun & { k: number; chunkTokens: number };

/**
 * @param runs retrieval with these chunks
 * @param without the same model without a context
 */
export function ragTable(runs: readonly RagRun[], without: SweptRun, { table8 }: PublishedResults): ReportTable {
  const shownSuites = suites.filter((suite) => runs.some(({ predictions }) => predictions.some((p) => p.suite === suite)));
  const largest = Math.max(...runs.map(({ chunkTokens }) => chunkTokens));
  const paperOf = ({ k, chunkTokens }: RagRun, suite: Suite): number | undefined => {
    const tokens = chunkTokens === largest ? 512 : 256, row = table8.rows.find((one) => one.method === 'Pretrained + RAG' && one.k === k && one.chunk_tokens === tokens);
    return suite === 'OOD' ? undefined : row?.[suite].EM;
  };
  const of = <Row extends { suite: Suite }>(rows: readonly Row[], suite: Suite) => rows.filter((row) => row.suite === suite);
  return {
    head: 'Chunks', ids: ['chunk_tokens', 'k'],
    groups: [
      { label: '', columns: [{ key: 'added', label: 'Tokens added', format: whole }, { key: 'cut', label: 'Prompts cut', format: percent }] },
      ...shownSuites.map((suite) => ({
        label: SUITES[suite],
        columns: [
          { key: `${suite}_strict_EM`, label: 'Strict EM', format: percent, interval: 'half-width' as const },
          { key: `${suite}_paper_relaxed_EM`, label: 'Paper, relaxed', format: percent, paper: true as const },
          { key: `${suite}_points`, label: 'over no context', format: points, interval: 'bounds' as const },
          { key: `${suite}_nats`, label: 'nats a token', format: nats, interval: 'bounds' as const },
        ],
      })),
    ],
    sections: [{
      title: '',
      rows: runs.map((run) => ({
        label: `${run.k} of ${run.chunkTokens} tokens`, kind: 'method' as const, ids: { chunk_tokens: run.chunkTokens, k: run.k },
        values: Object.fromEntries([['added', run.record.addedTokens], ['cut', (run.record.leftOut.cut ?? 0) / run.predictions.length], ...shownSuites.flatMap((suite) => {
          const paper = paperOf(run, suite), answers = of(run.predictions, suite), none = of(without.predictions, suite);
          const [withNats, withoutNats] = [of(run.likelihoods, suite), of(without.likelihoods, suite)];
          return [
            [`${suite}_strict_EM`, clusteredInterval(answers.map(scored))], [`${suite}_paper_relaxed_EM`, paper === undefined ? undefined : paper / 100],
            [`${suite}_points`, pairedInterval(answers.map(scored), none.map(scored))],
            [`${suite}_nats`, withNats.length && withoutNats.length ? natsDifference(withNats, withoutNats).difference : undefined],
          ];
        })]),
      })),
    }],
    findings: [],
    note: `The frozen model with the nearest chunks of its repository before the prompt, in at most ${runs[0]!.record.contextTokens} tokens: a prompt whose chunks are more is cut (in %), and loses the least near. ` + 'EM in %; over no context: points of strict EM, and nats by which the target is more probable, '
      + `with 95% intervals over repositories. Chunks of ${largest} tokens stand where the paper has 512, smaller ones where it has 256.`,
  };
}

/**
 * @param runs of the static track, the dependency context's among them
 * @param has tells for a task whether its imports lead to a definition of the repository
 */
export function availabilityTable(runs: readonly SweptRun[], has: (taskId: string) => boolean, { table11 }: PublishedResults): ReportTable {
  const own = runs.map(({ name, predictions }) => ({ name, rows: predictions.filter((p) => p.suite === 'CR' && (p.adapter === 'own' || p.adapter === 'none')) }));
  const parts = { with: has, without: (id: string) => !has(id) };
  const any = own[0]?.rows ?? [], share = any.filter(({ taskId }) => has(taskId)).length / Math.max(1, any.length);
  return {
    head: 'Method', ids: ['method'],
    groups: Object.entries({ with: 'Tasks with a context', without: 'Tasks without' }).map(([part, label]) => ({
      label, columns: [
        { key: `${part}_strict_EM`, label: 'Strict EM', format: percent, interval: 'half-width' as const }, { key: `${part}_paper`, label: 'Paper, relaxed', format: percent, paper: true as const },
        { key: `${part}_tasks`, label: 'Tasks' },
      ],
    })),
    sections: [{
      title: '',
      rows: own.map(({ name, rows }) => {
        const method = rows[0]!.method, label = methodLabel(method), paper = table11.rows.find((row) => row.method === label);
        return {
          label: name, kind: 'method' as const, ids: { method },
          values: Object.fromEntries((Object.keys(parts) as (keyof typeof parts)[]).flatMap((part) => {
            const some: Prediction[] = rows.filter(({ taskId }) => parts[part](taskId));
            return [
              [`${part}_strict_EM`, some.length ? clusteredInterval(some.map(scored)) : undefined], [`${part}_paper`, paper && paper[part] / 100], [`${part}_tasks`, some.length],
            ];
          })),
        };
      }),
    }],
    findings: [`${percent(share)}% of the tasks have a dependency context here, ${table11.partition.with_DRC.percent}% in the paper.`],
    note: 'Unseen repositories. A task has a context when a name that its test imports and uses leads to a definition of the repository, though it be too long for the prompt. EM in %; ± is half the 95% interval over repositories.',
  };
}
