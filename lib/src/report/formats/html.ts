/** A table as HTML for notebooks. Colours come from JupyterLab's theme, so it suits a light and a dark one; alone it falls back to light. */
import { type Column, type Group, type ReportTable, type Row, type Value, shown, visible } from '../table.js';

export const INK = 'var(--jp-content-font-color1, #222)';
export const MUTED = 'var(--jp-content-font-color2, #666)';
export const LINE = '1px solid var(--jp-border-color1, #bbb)';
const PAD = 'padding:2px 4px;';
const TEXT = `${PAD}text-align:left;vertical-align:top;line-height:1.2;`;
const NUMBER = `${PAD}text-align:right;vertical-align:top;line-height:1.2;font-variant-numeric:tabular-nums;white-space:nowrap;background:none;`;
const PROSE = 'text-align:left;white-space:normal;min-width:7em;';
const HEAD = `vertical-align:bottom;font-weight:500;color:${MUTED};border-bottom:${LINE};`;
const FRAME = `border-collapse:collapse;border:0;border-top:2px solid ${INK};border-bottom:2px solid ${INK};color:${INK};font-size:12px;margin:8px 0`;
const LIST = `max-width:60em;margin:4px 0 8px;padding-left:1.4em;color:${INK};font-size:13px;line-height:1.5`;
const NOTE = `max-width:60em;margin:4px 0 12px;color:${MUTED};font-size:12px;line-height:1.45`;
/** With more columns names take several lines, and intervals stand below their values, as half-widths always do: all is to fit a page. */
const CROWDED = 6;

export function toHtml({ head, groups, sections, findings, note }: ReportTable): string {
  const columns = groups.flatMap((group) => visible(group).map((column, index) => ({ column, gap: index === 0 ? 'padding-left:14px;' : '' })));
  const crowded = columns.length > CROWDED;
  const group = (one: Group): string =>
    `<th colspan="${visible(one).length}" style="${PAD}padding-left:14px;text-align:center;font-weight:600">${escapeHtml(one.label)}</th>`;
  const heading = groups.some(({ label }) => label) ? tr(`<th style="${PAD}"></th>${groups.map(group).join('')}`) : '';
  const heads = columns.map(({ column, gap }) => `<th style="${NUMBER}${gap}white-space:normal;${column.prose ? PROSE : ''}${HEAD}">${escapeHtml(column.label)}</th>`);
  const sectionTitle = (title: string): string =>
    tr(`<th scope="row" colspan="${columns.length + 1}" style="${TEXT}font-weight:600;padding-top:10px;border-bottom:${LINE}">${escapeHtml(title)}</th>`);
  const line = (row: Row, before: Row | undefined): string => tr(
    `<th scope="row" style="${TEXT}${crowded ? 'min-width:5em' : 'white-space:nowrap'};${rowStyle(row)}">${escapeHtml(row.label)}</th>${columns.map(({ column, gap }) => cell(column, gap, row, crowded)).join('')}`,
    rule(row, before));
  const body = sections.flatMap(({ title, rows }) => [...(title ? [sectionTitle(title)] : []), ...rows.map((row, index) => line(row, rows[index - 1]))]);
  const list = findings.length ? `<ul style="${LIST}">${findings.map((finding) => `<li>${escapeHtml(finding)}</li>`).join('')}</ul>` : '';
  return `<div style="overflow-x:auto"><table class="code2lora-table" style="${FRAME}">
<thead>${heading}${tr(`<th style="${TEXT}${HEAD}">${escapeHtml(head)}</th>${heads.join('')}`)}</thead>
<tbody>${body.join('')}</tbody></table>
${list}<p style="${NOTE}">${escapeHtml(note)}</p></div>`;
}

const tr = (cells: string, style = ''): string => `<tr style="background:none;${style}">${cells}</tr>\n`;

/** A rule stands above what the table is about, unless it stands above the row before. */
const rule = ({ kind }: Row, before: Row | undefined): string => (kind === 'main' && before && before.kind !== 'main' ? `border-top:${LINE}` : '');

/** A control is grey under its method. */
function rowStyle({ kind }: Row): string {
  if (kind === 'control') return `padding-left:18px;font-weight:400;font-style:italic;color:${MUTED};`;
  return kind === 'main' ? 'font-weight:600;' : 'font-weight:400;';
}

function cell(column: Column, gap: string, row: Row, crowded: boolean): string {
  const value = row.values[column.key];
  const { text, interval } = shown(column, value);
  const small = interval && `${crowded || column.interval === 'half-width' ? '<br>' : ''}<span style="color:${MUTED};font-size:85%;font-weight:400">${escapeHtml(interval)}</span>`;
  const style = row.kind === 'main' && !column.paper ? 'font-weight:600;' : '';
  return `<td${tooltip(column, value)} style="${NUMBER}${column.prose ? PROSE : ''}${gap}${style}${column.paper || row.kind === 'control' ? `color:${MUTED}` : ''}">${escapeHtml(text)}${small}</td>`;
}

function tooltip({ format = String, interval }: Column, value: Value): string {
  if (interval !== 'half-width' || typeof value !== 'object' || Number.isNaN(value.low)) return '';
  return ` title="95% interval ${format(value.low)} to ${format(value.high)}"`;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
