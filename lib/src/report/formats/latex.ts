/** A table as a LaTeX `tabular` for a paper that loads booktabs; what it says follows as comments, to become its caption. */
import { type Column, type ReportTable, type Value, shown, visible } from '../table.js';

export function toLatex({ head, groups, sections, findings, note }: ReportTable): string {
  const columns = groups.flatMap(visible);
  const line = (cells: string[]): string => `${cells.join(' & ')} \\\\`;
  const heading = groups.some(({ label }) => label)
    ? [line(['', ...groups.map((group) => `\\multicolumn{${visible(group).length}}{c}{${escapeLatex(group.label)}}`)]), rules(groups.map((group) => visible(group).length))]
    : [];
  const body = sections.flatMap(({ title, rows }, index) => [
    ...(index > 0 ? ['\\midrule'] : []),
    ...(title ? [line([`\\multicolumn{${columns.length + 1}}{l}{\\textbf{${escapeLatex(title)}}}`])] : []),
    ...rows.map(({ label, kind, values }) => line([
      kind === 'control' ? `\\quad\\textit{${escapeLatex(label)}}` : escapeLatex(label),
      ...columns.map((column) => cell(column, values[column.key])),
    ])),
  ]);
  return [
    '% Needs \\usepackage{booktabs}.',
    `\\begin{tabular}{l${'r'.repeat(columns.length)}}`,
    '\\toprule',
    ...heading,
    line([head, ...columns.map(({ label }) => label)].map(escapeLatex)),
    '\\midrule',
    ...body,
    '\\bottomrule',
    '\\end{tabular}',
    ...[...findings, note].map((text) => `% ${escapeLatex(text)}`),
    '',
  ].join('\n');
}

/** A rule under every heading: `\cmidrule(lr){2-6} \cmidrule(lr){7-11}`. */
function rules(widths: readonly number[]): string {
  let first = 2;
  return widths.map((width) => `\\cmidrule(lr){${first}-${(first += width) - 1}}`).join(' ');
}

function cell(column: Column, value: Value): string {
  const { text, interval } = shown(column, value);
  if (!interval) return escapeLatex(text);
  const small = interval.startsWith(' ±') ? `_{\\pm ${interval.slice(3)}}` : `\\;${interval.trim()}`;
  return `$${(text + small).replaceAll('−', '-')}$`;
}

const SPECIAL: Record<string, string> = {
  '\\': '\\textbackslash{}', '^': '\\textasciicircum{}', '~': '\\textasciitilde{}', 'Δ': '$\\Delta$', 'ρ': '$\\rho$', '²': '$^2$', '·': '$\\cdot$', '“': '``', '”': "''",
  '±': '$\\pm$', '−': '$-$', 'σ': '$\\sigma$', '≈': '$\\approx$', '×': '$\\times$', '–': '--',
};

const escapeLatex = (text: string): string => text.replace(/[&%$#_{}\\^~Δρ²·“”±−σ≈×–]/g, (character) => SPECIAL[character] ?? `\\${character}`);
