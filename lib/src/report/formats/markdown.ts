/** A table as Markdown. */
import { type ReportTable, shown, visible } from '../table.js';

export function toMarkdown({ head, groups, sections, findings, note }: ReportTable): string {
  const columns = groups.flatMap((group) => visible(group).map((column) => ({ column, label: [group.label, column.label].filter(Boolean).join(': ') })));
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const body = sections.flatMap(({ title, rows }) => [
    ...(title ? [line([`**${title}**`, ...columns.map(() => '')])] : []),
    ...rows.map(({ label, kind, values }) => line([
      kind === 'control' ? `&emsp;*${label}*` : label,
      ...columns.map(({ column }) => {
        const { text, interval } = shown(column, values[column.key]);
        return text + interval;
      }),
    ])),
  ]);
  return [
    line([head, ...columns.map(({ label }) => label)]),
    line(['---', ...columns.map(() => '---:')]),
    ...body,
    '',
    ...(findings.length ? [...findings.map((finding) => `- ${finding}`), ''] : []),
    note,
    '',
  ].join('\n');
}
