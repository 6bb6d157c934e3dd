/**
 * Published against matched conditions: what the authors' prompts of single, per-repo LoRA and full fine-tuning (a marker
 * line, no EOS, a shorter length) are worth, by training each method under both.
 */
import { clusteredInterval, pairedInterval } from '../../eval/interval.js';
import type { Interval, Likelihood, Prediction } from '../../eval/types.js';
import type { Conditions } from '../../lab/studies.js';
import type { SweptRun } from '../../lab/sweep-run.js';
import { groupBy } from '../../train/draws.js';
import { methodLabel, SUITES, suites } from '../labels.js';
import { gainingOf, natsDifference, onBoth, scored } from '../own-vs-other.js';
import { nats, percent, points, type ReportTable, type Section } from '../table.js';

const relaxed = ({ repo, taskId, seed, relaxedEM }: Prediction) => ({ repo, task: taskId, seed, value: Number(relaxedEM) });

/** @param runs of `conditions()` in lab/studies.ts, with the conditions that each was trained under */
export function conditionsTable(runs: readonly (SweptRun & { conditions: Conditions })[]): ReportTable {
  const byMethod = groupBy(runs, ({ record }) => record.method);
  const rowsOf = <Row extends Prediction | Likelihood>(list: readonly (SweptRun & { conditions: Conditions })[], one: Conditions, rows: (run: SweptRun) => readonly Row[], suite: string) =>
    list.filter((run) => run.conditions === one).flatMap((run) => rows(run).filter((row) => row.suite === suite));
  const sections = suites.map((suite): Section => ({
    title: SUITES[suite],
    rows: [...byMethod].flatMap(([method, list]) => {
      const both = <Row extends Prediction | Likelihood>(from: (run: SweptRun) => readonly Row[]) =>
        onBoth(rowsOf(list, 'published', from, suite), rowsOf(list, 'matched', from, suite));
      const answers = both<Prediction>(({ predictions }) => predictions), scores = both<Likelihood>(({ likelihoods }) => likelihoods);
      if (!answers) return [];
      const [published, matched] = answers, gain = scores && natsDifference(scores[1], scores[0]);
      return [{
        label: methodLabel(method), kind: 'method' as const, ids: { suite, method },
        values: {
          published_strict: clusteredInterval(published.map(scored)), matched_strict: clusteredInterval(matched.map(scored)),
          strict_difference: pairedInterval(matched.map(scored), published.map(scored)),
          published_relaxed: clusteredInterval(published.map(relaxed)), matched_relaxed: clusteredInterval(matched.map(relaxed)),
          relaxed_difference: pairedInterval(matched.map(relaxed), published.map(relaxed)),
          nats: gain?.difference, gaining: gain && gainingOf(gain),
        },
      }];
    }),
  })).filter(({ rows }) => rows.length > 0);
  const seeds = [...new Set(sections.flatMap(({ rows }) => rows.map(({ values }) => (values['strict_difference'] as Interval).seeds)))].sort((x, y) => x - y);
  return {
    head: 'Method', ids: ['suite', 'method'],
    groups: [
      { label: 'Strict EM', columns: [
        { key: 'published_strict', label: 'published', format: percent, interval: 'half-width' }, { key: 'matched_strict', label: 'matched', format: percent, interval: 'half-width' },
        { key: 'strict_difference', label: 'difference', format: points, interval: 'bounds' },
      ] },
      { label: 'Relaxed EM', columns: [
        { key: 'published_relaxed', label: 'published', format: percent, interval: 'half-width' }, { key: 'matched_relaxed', label: 'matched', format: percent, interval: 'half-width' },
        { key: 'relaxed_difference', label: 'difference', format: points, interval: 'bounds' },
      ] },
      { label: 'Target', columns: [{ key: 'nats', label: 'nats a token', format: nats, interval: 'bounds' }, { key: 'gaining', label: 'repositories that gain' }] },
    ],
    sections,
    findings: [],
    note: 'EM in %. Differences are matched less published on the same tasks, in points of EM, and in nats by which the target\'s own tokens are more probable under matched '
      + `conditions; 95% intervals over repositories${seeds.some((count) => count > 1) ? ` and ${seeds.join(' or ')} training seeds` : '; one training seed'}. Published: the prompt ends in a marker line and is shorter, and no end token is learnt, so that an answer goes on `
      + 'after the target; relaxed EM forgives part of that.',
  };
}
