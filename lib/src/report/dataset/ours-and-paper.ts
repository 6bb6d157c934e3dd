/** Our numbers and the paper's in one table: a line for ours and, where the paper has one, the paper's line below it. */
import { type ColumnTable, from } from 'arquero';

export interface Line {
  /** What the line is about, by column. Written on our line only, so that a pair reads as one. */
  labels: Record<string, string>;
  /** By column; null is shown as a dash. */
  ours: Record<string, number | null>;
  paper: Record<string, number | null> | null;
}

/** Columns: the labels, `numbers` (`ours` or `paper`), the numbers. All lines have the same columns. */
export function oursAndPaper(lines: readonly Line[]): ColumnTable {
  return from(lines.flatMap(({ labels, ours, paper }): object[] => [
    { ...labels, numbers: 'ours', ...ours },
    ...(paper ? [{ ...Object.fromEntries(Object.keys(labels).map((name) => [name, ''])), numbers: 'paper', ...paper }] : []),
  ]));
}
