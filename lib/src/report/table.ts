/** A table of results before it is Markdown, CSV, LaTeX or HTML (`formats/`), and how its numbers are written. */
import type { Interval } from '../eval/types.js';

/** An interval is written as its column says, a text as it is; undefined is a dash (not run, or not possible), or nothing where the paper has no number. */
export type Value = Interval | number | string | undefined;

export interface Column {
  /** Names the column in the CSV and its values in a row; unique in a table. */
  key: string;
  label: string;
  /** How readers see a number or a mean; the CSV has the number itself. */
  format?: (value: number) => string;
  /** The column's values are intervals, seen as `12.3 ± 1.2` or as `1.2 [0.1, 2.3]`. The CSV has their bounds in columns of their own. */
  interval?: 'half-width' | 'bounds';
  /** The paper's number: greyed. */
  paper?: true;
  /** The column's values are phrases, which may take several lines. */
  prose?: true;
  /** Left out of what people read. */
  csvOnly?: true;
}

/** Columns under one heading; an empty heading for none. */
export interface Group {
  label: string;
  columns: Column[];
}

export interface Row {
  label: string;
  /** `control` is greyed and stands under its method; `main` is what the table is about. */
  kind: 'main' | 'method' | 'control';
  /** What names the row in the CSV, by the table's `ids`. */
  ids: Record<string, string | number>;
  values: Record<string, Value>;
}

export interface Section {
  /** Stands above its rows; empty for none. */
  title: string;
  rows: Row[];
}

export interface ReportTable {
  /** Heading of the first column. */
  head: string;
  /** The first columns of the CSV. */
  ids: string[];
  groups: Group[];
  sections: Section[];
  /** What the numbers say, a sentence each. */
  findings: string[];
  /** What the reader must know: units, sizes, what the paper's numbers can be compared with. */
  note: string;
}

/** Columns that people see. */
export const visible = ({ columns }: Group): Column[] => columns.filter((column) => !column.csvOnly);

export const percent = (fraction: number): string => (100 * fraction).toFixed(1);
export const similarity = (fraction: number): string => fraction.toFixed(3);
export const whole = (value: number): string => Math.round(value).toLocaleString('en');
/** A difference of two fractions in points, with its sign. */
export const points = (difference: number): string => signed(100 * difference, 1);
/** A difference in nats a token, with its sign. */
export const nats = (difference: number): string => signed(difference, 4);

/** A size in nats a token, which has no sign. */
export const natsSize = (value: number): string => value.toFixed(4);

function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

const ABSENT = '–';
/** Bounds of an interval over a single repository. */
const UNKNOWN = '?';

/** A cell as readers see it: its value, and what stands smaller behind it. */
export interface Shown {
  text: string;
  interval: string;
}

export function shown({ format = String, interval, paper }: Column, value: Value): Shown {
  if (value === undefined) return { text: paper ? '' : ABSENT, interval: '' };
  if (typeof value === 'string') return { text: value, interval: '' };
  if (typeof value === 'number') return { text: format(value), interval: '' };
  const bound = (at: number): string => (Number.isNaN(at) ? UNKNOWN : format(at));
  return {
    text: format(value.mean),
    interval: interval === 'bounds' ? ` [${bound(value.low)}, ${bound(value.high)}]` : ` ± ${bound((value.high - value.low) / 2)}`,
  };
}
