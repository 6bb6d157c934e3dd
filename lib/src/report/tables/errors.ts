/** The error taxonomy: how many answers are wrong in which way, beside the counts told with the paper's Figure 12. */
import { type ErrorKind, errorKinds } from '../../eval/error-kind.js';
import type { ErrorCounts } from '../errors.js';
import { lines, rowKind, SUITES, suites, TRACKS, tracks } from '../labels.js';
import type { PublishedResults } from '../published.js';
import { type ReportTable, type Row, type Section, type Value, percent, whole } from '../table.js';

export const KIND_LABELS: Record<ErrorKind, string> = {
  'empty': 'Empty', 'hallucination': 'Hallucination', 'near-miss': 'Near miss', 'syntax': 'Syntax', 'identifier': 'Wrong identifier',
  'literal': 'Wrong literal', 'type': 'Other type',
};

/** The figure's names of the kinds. */
const FIGURE_12: Record<ErrorKind, string> = {
  'empty': 'empty_or_truncated', 'hallucination': 'hallucination', 'near-miss': 'near_miss', 'syntax': 'syntax', 'identifier': 'wrong_identifier',
  'literal': 'wrong_literal', 'type': 'type_mismatch',
};

export function errorTable(counts: readonly ErrorCounts[], { figure_numbers: { fig12_errors: figure } }: PublishedResults): ReportTable {
  const sections = tracks.flatMap((track) => suites.map((suite): Section => {
    const rows = lines(counts.filter((one) => one.track === track && one.suite === suite)).map((line): Row => {
      const { method, adapter, label, items: [one] } = line;
      return { label, kind: rowKind(line), ids: { track, suite, method, adapter }, values: values(one!.errors, one!.kinds, one!.answers) };
    });
    // The figure's errors are those of Code2LoRA-Static on CR in the static track.
    return { title: `${TRACKS[track]}, ${SUITES[suite]}`, rows: rows.length && track === 'static' && suite === 'CR' ? [...rows, paperRow(figure)] : rows };
  }));
  return {
    head: 'Method', ids: ['track', 'suite', 'method', 'adapter'],
    groups: [
      { label: '', columns: [{ key: 'answers', label: 'Answers', format: whole }, { key: 'errors', label: 'Errors', format: whole }] },
      {
        label: 'Share of the errors (%)',
        columns: errorKinds.flatMap((kind) => [
          { key: `${kind}_share`, label: KIND_LABELS[kind], format: percent }, { key: kind, label: `${KIND_LABELS[kind]} errors`, csvOnly: true as const },
        ]),
      },
    ],
    sections: sections.filter(({ rows }) => rows.length > 0), findings: [],
    note: 'Errors are answers that are wrong by relaxed exact match, as in the paper; answers of all seeds together. '
      + 'An error is of the first kind that fits, in the order of the columns. The counts are in the CSV.',
  };
}

function values(errors: number, kinds: Record<ErrorKind, number>, answers?: number): Record<string, Value> {
  return {
    answers, errors, ...kinds,
    ...Object.fromEntries(errorKinds.map((kind) => [`${kind}_share`, errors === 0 ? undefined : kinds[kind] / errors])),
  };
}

function paperRow(figure: PublishedResults['figure_numbers']['fig12_errors']): Row {
  const count = (name: string): number => [figure[name]!].flat()[0]!;
  const kinds = Object.fromEntries(errorKinds.map((kind) => [kind, count(FIGURE_12[kind])])) as Record<ErrorKind, number>;
  return {
    label: 'Code2LoRA-Static in the paper', kind: 'control', ids: { track: 'static', suite: 'CR', method: 'paper', adapter: 'own' }, values: values(count('total'), kinds),
  };
}
