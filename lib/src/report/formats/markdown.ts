/** A table as Markdown. */
import { plain } from '../plain.js';
import { type ReportTable, shown, visible } from '../table.js';

export function toMarkdown({ head, groups, sections, findings, note }: ReportTable): string {
  const columns = groups.flatMap((group) => visible(group).map((column) => ({ column, label: [group.label, column.label].filter(Boolean).join(': ') })));
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const body = sections.flatMap(({ title, rows }) => [
    ...(title ? [line([`**${plain(title)}**`, ...columns.map(() => '')])] : []),
    ...rows.map(({ label, kind, values }) => line([
      kind === 'control' ? `&emsp;*${plain(label)}*` : plain(label),
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
    ...(findings.length ? [...findings.map((finding) => `- ${plain(finding)}`), ''] : []),
    note,
    '',
  ].join('\n');
}
