/** A table as CSV: a line a row, the numbers themselves (six decimals), bounds in columns `_low` and `_high`. */
import type { Column, ReportTable, Value } from '../table.js';

export function toCsv({ ids, groups, sections }: ReportTable): string {
  const columns = groups.flatMap((group) => group.columns);
  const lines = [
    [...ids, ...columns.flatMap(({ key, interval }) => (interval ? [key, `${key}_low`, `${key}_high`] : [key]))],
    ...sections.flatMap(({ rows }) => rows).map((row) => [
      ...ids.map((id) => String(row.ids[id] ?? '')),
      ...columns.flatMap((column) => fields(column, row.values[column.key])),
    ]),
  ];
  return `${lines.map((line) => line.map(quote).join(',')).join('\n')}\n`;
}

function fields({ interval }: Column, value: Value): string[] {
  if (typeof value === 'object') return [value.mean, value.low, value.high].map(number);
  const field = typeof value === 'number' ? number(value) : (value ?? '');
  return interval ? [field, '', ''] : [field];
}

/** Empty where an interval is unknown. */
function number(value: number): string {
  if (Number.isNaN(value)) return '';
  return Number.isInteger(value) ? String(value) : value.toFixed(6);
}

const quote = (value: string): string => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
