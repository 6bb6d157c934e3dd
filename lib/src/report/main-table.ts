/** The headline table, in the layout of the paper's Table 2, with the controls and the paper's numbers beside ours. */
import type { Interval, Prediction } from '../eval/types.js';
import { lines } from './labels.js';
import type { PublishedTable } from './published.js';
import type { SummaryRow } from './summary.js';

export const SUITES = ['CR', 'IR'] as const satisfies Prediction['suite'][];

export interface MainCell {
  /** Our scores as fractions in [0, 1]; undefined where the method was not run on this suite. */
  scores: Pick<SummaryRow, 'strictEM' | 'relaxedEM' | 'editSimilarity'> | undefined;
  /** The paper's exact match in percent (relaxed matching, another base model). */
  paperEM: number | undefined;
}

export interface MainRow {
  method: string;
  label: string;
  control: boolean;
  CR: MainCell;
  IR: MainCell;
}

export interface MainTable {
  rows: MainRow[];
  /** What the reader must know: interval, sizes, what the paper's column can be compared with. */
  note: string;
}

/** One line per method and control that has rows; `published` is Table 2 (`readPublished()`). */
export function mainTable(rows: readonly SummaryRow[], published: PublishedTable): MainTable {
  const body = lines(rows).map(({ method, label, control, CR, IR }): MainRow => {
    const paper = control ? undefined : published.find((row) => row.method === label);
    return {
      method,
      label,
      control,
      CR: { scores: CR, paperEM: paper?.CR?.EM },
      IR: { scores: IR, paperEM: paper?.IR?.EM },
    };
  });
  return { rows: body, note: note(rows) };
}

function note(rows: readonly SummaryRow[]): string {
  const sizes = SUITES.flatMap((suite) => {
    const sizesOf = (key: 'tasks' | 'repositories'): string => {
      const all = rows.filter((row) => row.suite === suite).map((row) => row.strictEM[key]);
      const [low, high] = [Math.min(...all), Math.max(...all)];
      return low === high ? low.toLocaleString('en') : `${low.toLocaleString('en')} to ${high.toLocaleString('en')}`;
    };
    return rows.some((row) => row.suite === suite)
      ? [`${suite === 'CR' ? 'unseen repositories (CR)' : 'held-out tasks of training repositories (IR)'}: ${sizesOf('tasks')} tasks of ${sizesOf('repositories')} repositories`]
      : [];
  });
  const seeds = Math.max(0, ...rows.map((row) => row.seeds));
  return (
    'Exact match (EM) in %, edit similarity in [0, 1]. ± is half the 95% bootstrap interval clustered by repository' +
    `${seeds > 1 ? `, scores averaged over ${seeds} seeds` : ''}. ${sizes.map((size) => `${capital(size)}.`).join(' ')}` +
    ' The paper\'s EM is its relaxed EM with Qwen2.5-Coder-1.5B on its own benchmark: compare differences, not levels.'
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The score columns in order, and how a value is written: EM in percent with one decimal, similarity with three. */
export const SCORES = [
  { key: 'strictEM', label: 'Strict EM', format: (fraction: number) => (100 * fraction).toFixed(1) },
  { key: 'relaxedEM', label: 'Relaxed EM', format: (fraction: number) => (100 * fraction).toFixed(1) },
  { key: 'editSimilarity', label: 'EditSim', format: (fraction: number) => fraction.toFixed(3) },
] as const;

/** NaN where there is but one repository, whose interval is unknown. */
export const halfWidth = (interval: Interval): number => (interval.high - interval.low) / 2;
