/**
 * What a notebook cell shows: tables, figures and progress bars. Works in the tslab kernel only, whose display calls
 * are reached through the `require` that it leaves on `globalThis.__tslab__`.
 */
import { UserError } from '../store/errors.js';
import type { Progress, ProgressUpdate } from '../store/progress.js';
import type { Figure } from './figures/theme.js';
import { escapeHtml, INK, LINE, MUTED, toHtml } from './formats/html.js';
import type { ReportTable } from './table.js';

/** An arquero table, as far as it is read here. */
interface ColumnTable {
  columnNames(): string[];
  objects(): object[];
}

/** A danfojs DataFrame, as far as it is read here. */
interface DataFrame {
  columns: string[];
  index: (string | number)[];
  values: unknown;
}

interface Display {
  html(html: string): void;
  /** tslab's type says string, but a plotly figure must be handed over as an object. */
  raw(mime: string, data: unknown): void;
}

interface Tslab {
  display: Display;
  newDisplay(): Display;
}

function tslab(): Tslab {
  const kernel = (globalThis as { __tslab__?: { require(name: 'tslab'): Tslab } }).__tslab__;
  if (!kernel) throw new UserError('showTable, showFigure and notebookProgress work in a notebook with the tslab kernel: open it with `npm run lab`.');
  return kernel.require('tslab');
}

/** Shows a table of results, an arquero table or a danfojs DataFrame. Long tables are cut, and say so. */
export function showTable(table: ReportTable | ColumnTable | DataFrame, options: { rows?: number } = {}): void {
  tslab().display.html('sections' in table ? toHtml(table) : gridHtml(table, options.rows ?? 20));
}

/** Shows a paragraph, whose lines break between words. */
export function showText(text: string): void {
  tslab().display.html(`<p style="color:${INK};max-width:52em;margin:8px 0">${escapeHtml(text)}</p>`);
}

/** Shows a figure made by `figures/`, or any `{ data, layout }` that plotly.js draws. */
export function showFigure(figure: Figure | { data: object[]; layout: object }): void {
  tslab().display.raw('application/vnd.plotly.v1+json', { ...figure, config: { displayModeBar: false } });
}

/** A plain grid: numbers on the right, text on the left, a DataFrame's index in front. */
export function gridHtml(table: ColumnTable | DataFrame, limit: number): string {
  const { columns, rows } = 'columnNames' in table
    ? { columns: table.columnNames(), rows: table.objects().map((row) => Object.values(row) as unknown[]) }
    : { columns: ['', ...table.columns], rows: (table.values as unknown[][]).map((row, index) => [table.index[index], ...row]) };
  const style = (column: number): string => {
    const numeric = rows.length > 0 && rows.every((row) => typeof row[column] === 'number' || row[column] == null);
    return `padding:3px 10px;background:none;vertical-align:top;${numeric ? 'text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap' : 'text-align:left;white-space:pre-wrap;max-width:44em'}`;
  };
  const whole = columns.map((_, column) => rows.every((row) => typeof row[column] !== 'number' || Number.isInteger(row[column])));
  const head = columns.map((name, column) => `<th style="${style(column)};font-weight:500;color:${MUTED};border-bottom:${LINE}">${escapeHtml(name)}</th>`).join('');
  const body = rows.slice(0, limit).map((row) =>
    `<tr style="background:none">${row.map((value, column) => `<td style="${style(column)}">${escapeHtml(cell(value, whole[column]!))}</td>`).join('')}</tr>`).join('\n');
  const more = rows.length > limit ? `<p style="color:${MUTED};font-size:12px;margin:2px 0 8px">${limit} of ${rows.length} rows</p>` : '';
  return `<div style="overflow-x:auto"><table style="border-collapse:collapse;border:0;border-top:2px solid ${INK};border-bottom:2px solid ${INK};color:${INK};font-size:13px;margin:8px 0">
<thead><tr style="background:none">${head}</tr></thead><tbody>${body}</tbody></table>${more}</div>`;
}

/** A number with as many decimals as it needs: none where its column is whole or it is in the thousands, else two. */
function cell(value: unknown, whole: boolean): string {
  if (value == null) return '–';
  if (typeof value !== 'number') return String(value);
  const digits = whole || Math.abs(value) >= 1000 ? 0 : 2;
  const rounded = Number(value.toFixed(digits)) || 0; // not -0
  return rounded.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const REDRAW_MS = 200;

/**
 * A progress bar for every stage, drawn under the cell that runs it, with elapsed and remaining time.
 * A stage that starts again gets a new bar.
 */
export function notebookProgress(): Progress {
  const bars = new Map<string, { display: Display; start: number; first: number; drawn: number; done: number }>();
  return (update) => {
    let bar = bars.get(update.stage);
    if (!bar || update.done < bar.done) {
      bar = { display: tslab().newDisplay(), start: Date.now(), first: update.done, drawn: 0, done: update.done };
      bars.set(update.stage, bar);
    }
    bar.done = update.done;
    const now = Date.now();
    const finished = update.done >= update.total;
    if (now - bar.drawn < REDRAW_MS && !finished) return;
    bar.drawn = now;
    bar.display.html(progressHtml(update, (now - bar.start) / 1000, bar.first));
  };
}

/** `seconds` is the time since the stage began at `first` (not 0 when it goes on from a checkpoint). */
export function progressHtml({ stage, done, total, note }: ProgressUpdate, seconds: number, first: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const rest = done > first ? (seconds / (done - first)) * (total - done) : undefined;
  const time = share === 1 ? `done in ${duration(seconds)}` : `${duration(seconds)}${rest === undefined ? '' : `, ${duration(rest)} left`}`;
  return `<div style="display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;font-size:13px;color:${INK};font-variant-numeric:tabular-nums">
<span style="width:16em">${escapeHtml(stage)}</span>
<span style="width:180px;height:6px;border-radius:3px;overflow:hidden;background:var(--jp-layout-color3, #ddd)"><span style="display:block;height:100%;width:${(100 * share).toFixed(1)}%;background:var(--jp-brand-color1, #0072B2)"></span></span>
<span>${done.toLocaleString('en')} / ${total.toLocaleString('en')}</span>
<span style="color:${MUTED}">${time}${note ? ` · ${escapeHtml(note)}` : ''}</span></div>`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
