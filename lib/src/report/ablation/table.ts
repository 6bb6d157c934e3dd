/** An ablation as a table: a row a choice, its controls beside it, and both paired differences. */
import { groupBy } from '../../train/draws.js';
import { type Control, SUITES, suites } from '../labels.js';
import { gainingOf } from '../own-vs-other.js';
import { nats, natsSize, percent, points, type ReportTable, type Section } from '../table.js';
import { judge, WORDS } from '../verdicts.js';
import type { AblationRow } from './rows.js';

/** Names of few letters, and scores that people are not shown: a page has room for no more beside the differences. */
const SHORT = { first: 'first commit', other: 'other', average: 'average', empty: 'empty', random: 'random' } as const satisfies Record<Control, string>;
const OF_THE_CSV: ReadonlySet<Control> = new Set(['empty', 'random']);

/** @param head what is chosen, over the names of the choices: `Pooling over files` */
export function ablationTable(rows: readonly AblationRow[], head: string): ReportTable {
  const controls = (Object.keys(SHORT) as Control[]).filter((control) => rows.some(({ scores }) => scores[control]));
  const byNats = rows.some(({ gainNats, changeNats }) => gainNats ?? changeNats);
  const names = [...new Set(rows.map(({ choice }) => choice))];
  const unlike = new Set(rows.flatMap(({ seeds, ownNats }) => [seeds, ...(ownNats ? [ownNats.seeds] : [])])).size > 1;
  return {
    head, ids: ['suite', 'choice'],
    groups: [
      {
        label: 'Strict EM by adapter',
        columns: [
          { key: 'own', label: 'own', format: percent, interval: 'half-width' },
          ...controls.map((control) => ({
            key: control, label: SHORT[control], format: percent, interval: 'half-width' as const, ...(OF_THE_CSV.has(control) && { csvOnly: true as const }),
          })),
        ],
      },
      {
        label: 'Paired difference',
        columns: [
          { key: 'own_minus_other', label: 'own − other', format: points, interval: 'bounds' },
          ...(names.length > 1 ? [{ key: 'change', label: `own − own of “${names[0]}”`, format: points, interval: 'bounds' as const }] : []),
          { key: 'seeds', label: 'seeds', csvOnly: true },
        ],
      },
      ...(byNats ? [{
        label: 'In nats a token',
        columns: [
          { key: 'own_minus_other_nats', label: 'own − other', format: nats, interval: 'bounds' as const },
          ...(rows.some(({ averageNats }) => averageNats) ? [{ key: 'own_minus_average_nats', label: 'own − average', format: nats, interval: 'bounds' as const }] : []),
          { key: 'gaining', label: 'repos that gain' },
          { key: 'detectable', label: 'could be seen', format: natsSize, csvOnly: true as const },
          ...(names.length > 1 ? [{ key: 'change_nats', label: `own − own of “${names[0]}”`, format: nats, interval: 'bounds' as const }] : []),
          { key: 'nats_seeds', label: 'seeds of nats', csvOnly: true as const },
        ],
      }] : []),
    ],
    sections: suites.map((suite): Section => ({
      title: SUITES[suite],
      rows: rows.filter((row) => row.suite === suite).map(({ choice, scores, gain, change, gainNats, averageNats, changeNats, ownNats, seeds }) => ({
        label: choice, kind: 'method', ids: { suite, choice },
        values: { own: scores.own ?? scores.none, ...Object.fromEntries(controls.map((control) => [control, scores[control]])), own_minus_other: gain, change,
          own_minus_other_nats: gainNats?.difference, own_minus_average_nats: averageNats?.difference, gaining: gainNats && gainingOf(gainNats),
          detectable: gainNats?.detectable, change_nats: changeNats?.difference, seeds, nats_seeds: ownNats?.seeds },
      })),
    })).filter((section) => section.rows.length > 0),
    findings: suites.flatMap((suite) => finding(suite, rows.filter((row) => row.suite === suite))),
    note: `Strict EM in %; ± is half the 95% bootstrap interval over repositories${rows.every(({ seeds }) => seeds === 1)
      ? ' (one training seed, so it does not tell how much another would change)' : ' and training seeds'}. Differences are between answers to the same tasks, with their 95% intervals${
      byNats ? ': in points of exact match, and in nats by which the target is more probable under the own adapter. What could have been seen is the smallest difference in nats that would have been told from zero in four of five such measurements (for every row in the CSV)'
        : ', in points of exact match'}. ${
      unlike ? 'Rows are of unlike numbers of training seeds, or their nats of fewer than their exact match (the CSV has how many); a row and the first are compared under the seeds of both. ' : ''}${
      controls.some((control) => OF_THE_CSV.has(control)) ? 'The CSV has the scores with the adapters of an empty repository and of a random vector too. ' : ''}`
      + 'Each interval stands alone: of twenty differences that are really zero, one is expected to look otherwise.',
  };
}

/** With which choices the adapter can be seen to know its repository: a sentence a ruler, since likelihoods may have been taken of some only. */
function finding(suite: AblationRow['suite'], rows: readonly AblationRow[]): string[] {
  const judged = rows.flatMap(({ choice, gain, gainNats }) => {
    const interval = gainNats?.difference ?? gain;
    if (!interval) return [];
    const judgement = judge(interval), unseen = gainNats && judgement === 'undecided' ? ` (${natsSize(gainNats.detectable)} could have been seen)` : '';
    return [{ name: `“${choice}”${unseen}`, ruler: gainNats ? 'by log-likelihood' : 'by exact match', judgement }];
  });
  // A single repository says nothing about others.
  return [...groupBy(judged.filter(({ judgement }) => judgement !== 'single'), ({ ruler }) => ruler)].map(([ruler, list]) => {
    const verdicts = (['better', 'worse', 'undecided'] as const).flatMap((verdict) => {
      const names = list.filter(({ judgement }) => judgement === verdict).map(({ name }) => name);
      return names.length ? [`with ${names.join(', ')} the own adapter ${WORDS[verdict]}`] : [];
    });
    return `${suite}, ${ruler}: ${verdicts.join('; ')}.`;
  });
}
