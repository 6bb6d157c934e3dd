/** Own adapter against each control, paired by task, and what that says about the adapter. */
import { CONTROLS, isCode2Lora, methodLines, SUITES, suites, TRACKS, tracks } from '../labels.js';
import { type Comparison, gainingOf } from '../own-vs-other.js';
import { verdicts } from '../verdicts.js';
import { nats, natsSize, percent, points, type ReportTable, type Row, type Section } from '../table.js';

export function ownVsOtherTable(comparisons: readonly Comparison[]): ReportTable {
  const shownSuites = suites.filter((suite) => comparisons.some((one) => one.suite === suite));
  const sections = tracks.map((track): Section => {
    const methods = methodLines(comparisons.filter((one) => one.track === track));
    const rows = methods.flatMap(({ method, label, items }) => methodRows(method, label, items));
    return { title: TRACKS[track], rows: rows.map((row) => ({ ...row, ids: { track, ...row.ids } })) };
  });
  return {
    head: 'Adapter', ids: ['track', 'method', 'adapter'],
    groups: shownSuites.map((suite) => ({
      label: SUITES[suite],
      columns: [
        { key: `${suite}_strict_EM`, label: 'Strict EM', format: percent },
        { key: `${suite}_own_minus_this`, label: 'Points', format: points, interval: 'bounds' },
        ...(comparisons.some((one) => one.suite === suite && one.nats) ? [
          { key: `${suite}_nats`, label: 'Nats a token', format: nats, interval: 'bounds' as const },
          { key: `${suite}_gaining`, label: 'Repos that gain' },
          { key: `${suite}_detectable`, label: 'Could be seen', format: natsSize, csvOnly: true as const },
          { key: `${suite}_nats_seeds`, label: 'Seeds of nats', csvOnly: true as const },
        ] : []),
        { key: `${suite}_seeds`, label: 'Seeds', csvOnly: true as const },
      ],
    })),
    sections: sections.filter(({ rows }) => rows.length > 0),
    findings: verdicts(comparisons),
    note: 'Strict EM in %; differences with their 95% paired bootstrap intervals over repositories and, where there are several, training seeds. '
      + (comparisons.some(({ difference, nats: by }) => by && by.difference.seeds < difference.seeds) ? 'Nats come from fewer seeds than exact match does (the CSV has how many). ' : '')
      + 'Above zero the own adapter is better: in points of exact match, and in nats by which the target\'s own tokens, without EOS, are more probable under it, on all '
      + 'tasks whose likelihood was taken. What could have been seen is the smallest difference that would have been told from zero in four of five such measurements '
      + '(for every row in the CSV). On training repositories the average adapter holds the own one too, as one of all. '
      + 'An interval that holds zero is no evidence that the adapter knows its repository. '
      + 'Each interval stands alone: of twenty differences that are really zero, one is expected to look otherwise.',
  };
}

/** The own adapter, then its controls. */
function methodRows(method: string, label: string, comparisons: readonly Comparison[]): Row[] {
  const own: Row = {
    label, kind: isCode2Lora(method) ? 'main' : 'method', ids: { method, adapter: 'own' },
    values: Object.fromEntries(comparisons.map((one) => [`${one.suite}_strict_EM`, one.own])),
  };
  const controls = Object.entries(CONTROLS).map(([control, name]): Row => ({
    label: name, kind: 'control', ids: { method, adapter: control },
    values: Object.fromEntries(comparisons.filter((one) => one.control === control).flatMap((one) => [
      [`${one.suite}_strict_EM`, one.other], [`${one.suite}_own_minus_this`, one.difference], [`${one.suite}_seeds`, one.difference.seeds],
      ...(one.nats ? [
        [`${one.suite}_nats`, one.nats.difference], [`${one.suite}_gaining`, gainingOf(one.nats)],
        [`${one.suite}_detectable`, one.nats.detectable], [`${one.suite}_nats_seeds`, one.nats.difference.seeds],
      ] as const : []),
    ])),
  }));
  return [own, ...controls.filter(({ values }) => Object.keys(values).length > 0)];
}
