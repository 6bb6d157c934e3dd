/** One table, four formats: Markdown, CSV (exact bounds), LaTeX (booktabs), and HTML for notebooks. */
import type { Interval } from '../eval/types.js';
import { type MainCell, type MainTable, SCORES, SUITES, halfWidth } from './main-table.js';

const ABSENT = '–';
/** The half-width of a single repository's interval. */
const UNKNOWN = '?';

/** The cells of one suite, formatted: three scores, then the paper's EM. */
function cells(cell: MainCell, score: (mean: string, half: string, interval: Interval) => string): string[] {
  return [
    ...SCORES.map(({ key, format }) => {
      const interval = cell.scores?.[key];
      if (!interval) return ABSENT;
      const half = halfWidth(interval);
      return score(format(interval.mean), Number.isNaN(half) ? UNKNOWN : format(half), interval);
    }),
    cell.paperEM?.toFixed(1) ?? ABSENT,
  ];
}

export function toMarkdown(table: MainTable): string {
  const labels = SUITES.flatMap((suite) => [...SCORES.map(({ label }) => `${suite} ${label.toLowerCase().replace('em', 'EM').replace('editsim', 'EditSim')}`), `${suite} EM, paper`]);
  const row = (items: string[]): string => `| ${items.join(' | ')} |`;
  return [
    row(['Method', ...labels]),
    row(['---', ...labels.map(() => '---:')]),
    ...table.rows.map((line) =>
      row([
        line.control ? `&emsp;*${line.label}*` : line.label,
        ...SUITES.flatMap((suite) => cells(line[suite], (mean, half) => `${mean} ± ${half}`)),
      ])),
    '',
    table.note,
    '',
  ].join('\n');
}

/** One line a method or control, fractions in [0, 1], the interval's bounds in columns of their own. */
export function toCsv(table: MainTable): string {
  const header = ['method', 'control', ...SUITES.flatMap((suite) => [
    ...SCORES.flatMap(({ key }) => [key, `${key}_low`, `${key}_high`].map((name) => `${suite}_${name}`)),
    `${suite}_tasks`, `${suite}_repositories`, `${suite}_paper_EM_percent`,
  ])];
  const rows = table.rows.map((line) => [
    line.method,
    line.control ? line.label : '',
    ...SUITES.flatMap((suite) => {
      const { scores, paperEM } = line[suite];
      return [
        ...SCORES.flatMap(({ key }) => [scores?.[key].mean, scores?.[key].low, scores?.[key].high].map(fraction)),
        scores?.strictEM.tasks, scores?.strictEM.repositories, paperEM,
      ];
    }),
  ]);
  return [header, ...rows].map((row) => row.map((value) => quote(String(value ?? ''))).join(',')).join('\n') + '\n';
}

/** Four decimals; empty where there is no value, or an interval is unknown. */
const fraction = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(4));

const quote = (value: string): string => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** A `tabular` for a paper that loads booktabs; the note follows as a comment, to become its caption. */
export function toLatex(table: MainTable): string {
  const width = SCORES.length + 1;
  const group = (suite: string, index: number): string => `\\multicolumn{${width}}{c}{${suite}}${index === SUITES.length - 1 ? ' \\\\' : ''}`;
  const rule = (_: string, index: number): string => `\\cmidrule(lr){${2 + index * width}-${1 + (index + 1) * width}}`;
  const body = table.rows.flatMap((line, index) => {
    const values = SUITES.flatMap((suite) => cells(line[suite], (mean, half) => `$${mean}_{\\pm ${half}}$`)).map((value) => (value === ABSENT ? '--' : value));
    const text = `${line.control ? `\\quad\\textit{${escapeLatex(line.label)}}` : escapeLatex(line.label)} & ${values.join(' & ')} \\\\`;
    const afterControls = index > 0 && !line.control && table.rows[index - 1]!.control;
    return afterControls ? ['\\midrule', text] : [text];
  });
  return [
    '% Needs \\usepackage{booktabs}.',
    `\\begin{tabular}{l${'r'.repeat(width * SUITES.length)}}`,
    '\\toprule',
    ` & ${SUITES.map(group).join(' & ')}`,
    SUITES.map(rule).join(' '),
    `Method & ${SUITES.flatMap(() => [...SCORES.map(({ label }) => label), 'Paper EM']).join(' & ')} \\\\`,
    '\\midrule',
    ...body,
    '\\bottomrule',
    '\\end{tabular}',
    `% ${table.note.replaceAll('±', '$\\pm$').replaceAll('%', '\\%')}`,
    '',
  ].join('\n');
}

const escapeLatex = (text: string): string => text.replace(/[&%$#_{}]/g, (character) => `\\${character}`);

/** Colours come from JupyterLab's theme, so that the table suits a light and a dark one; alone it falls back to light. */
export function toHtml(table: MainTable): string {
  const ink = 'var(--jp-content-font-color1, #222)';
  const muted = 'var(--jp-content-font-color2, #666)';
  const line = `1px solid var(--jp-border-color1, #bbb)`;
  const number = 'text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;background:none;';
  const pad = 'padding:3px 6px;';
  const gap = (column: number): string => (column % (SCORES.length + 1) === 0 ? 'padding-left:16px;' : '');
  const groups = SUITES.map((suite) =>
    `<th colspan="${SCORES.length + 1}" style="text-align:center;${pad}padding-left:16px;font-weight:600">${suite === 'CR' ? 'CR: unseen repositories' : 'IR: training repositories'}</th>`).join('');
  const heads = SUITES.flatMap(() => [...SCORES.map(({ label }) => label), 'Paper EM'])
    .map((label, column) => `<th style="${number}${pad}${gap(column)}font-weight:500;color:${muted};border-bottom:${line}">${label}</th>`).join('');
  const body = table.rows.map((row) => {
    const values = SUITES.flatMap((suite) =>
      cells(row[suite], (mean, half, { low, high }) =>
        `<span title="95% interval ${fraction(low)} to ${fraction(high)}">${mean}<span style="color:${muted};font-size:85%;font-weight:400"> ± ${half}</span></span>`));
    const own = row.method.startsWith('code2lora') && !row.control;
    const ruled = !row.control && own ? `border-top:${line};` : '';
    const weight = own ? 'font-weight:600;' : '';
    return `<tr style="background:none">` +
      `<th scope="row" style="text-align:left;white-space:nowrap;${pad}${ruled}${row.control ? `padding-left:20px;font-weight:400;font-style:italic;color:${muted}` : weight || 'font-weight:400'}">${escapeHtml(row.label)}</th>` +
      values.map((value, column) => {
        const paper = column % (SCORES.length + 1) === SCORES.length;
        return `<td style="${number}${pad}${gap(column)}${ruled}${paper || row.control ? `color:${muted}` : weight}">${value}</td>`;
      }).join('') + '</tr>';
  }).join('\n');
  return `<div style="overflow-x:auto"><table class="code2lora-table" style="border-collapse:collapse;border:0;border-top:2px solid ${ink};border-bottom:2px solid ${ink};color:${ink};font-size:12px;margin:8px 0">
<thead><tr style="background:none"><th style="text-align:left;${pad}"></th>${groups}</tr>
<tr style="background:none"><th style="text-align:left;${pad}font-weight:500;color:${muted};border-bottom:${line}">Method</th>${heads}</tr></thead>
<tbody>${body}</tbody></table>
<p style="max-width:60em;margin:4px 0 12px;color:${muted};font-size:12px;line-height:1.45">${escapeHtml(table.note)}</p></div>`;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
