/** Panels side by side that share their rows: one a suite (or track), a row a method. */
import type { Interval } from '../../eval/types.js';
import { axis, type Figure, FONT, INK, label, layout, MUTED, nth, SMALL } from './theme.js';

export interface PanelRow {
  label: string;
  style: 'method' | 'control' | 'heading';
}

export interface Panels {
  titles: readonly string[];
  rows: readonly PanelRow[];
  /** Pixels. */
  rowHeight: number;
  /** Of all panels; what lies in it is drawn. */
  range: readonly [number, number];
  xTitle: string;
  /** A line at zero, for differences. */
  zero?: boolean;
  /** Lines of text at the bottom that say what the marks are: plotly's own legend is no wider than the panels. */
  legend?: readonly string[];
  /** Other parts of plotly's layout. */
  rest?: Record<string, unknown>;
}

const GAP = 0.07;
/** Room for row labels, and the most characters that fit there. */
const LEFT = 172;
const LINE = 24;
const LEGEND_LINE = 20;

/** The layout; traces name their axes by `xAxis(panel)` and 'y', on which row i is at i. */
export function panelLayout({ titles, rows, rowHeight, range, xTitle, zero = false, legend = [], rest = {} }: Panels): Figure['layout'] {
  const width = (1 - GAP * (titles.length - 1)) / titles.length;
  const left = (index: number): number => index * (width + GAP);
  const below = LEGEND_LINE * legend.length;
  // Three panels are too narrow for a title in one line.
  const narrow = titles.length > 2, above = narrow ? 48 : 30;
  return layout(46 + above + below + rowHeight * rows.length, {
    margin: { l: LEFT, r: 12, t: above, b: 46 + below },
    ...Object.fromEntries(titles.map((_, index) => [
      xAxis(index).replace('x', 'xaxis'), axis({
        domain: [left(index), left(index) + width], range: [...range], ...(zero ? besideZero(range) : { nticks: narrow ? 4 : 5 }), tickangle: 0, anchor: 'y', ...(zero && { zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1 }), ...(narrow && { tickfont: { ...SMALL, size: 11 } }),
      }),
    ])),
    yaxis: axis({
      range: [rows.length - 0.5, -0.6], tickvals: rows.map((_, index) => index), ticktext: rows.map(rowLabel),
      tickfont: { ...FONT, size: 14 }, showgrid: false, ticklabelstandoff: 6,
    }),
    annotations: [
      ...titles.map((text, index) => label(narrow ? text.replace(': ', '<br>') : text, { xref: 'paper', yref: 'paper', x: left(index) + width / 2, y: 1, yshift: 4, xanchor: 'center', yanchor: 'bottom' })),
      label(xTitle, { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -24, yanchor: 'top' }),
      ...legend.map((text, index) => label(text, { xref: 'paper', yref: 'paper', x: 1, xanchor: 'right', y: 0, yshift: -28 - LEGEND_LINE * (index + 1), yanchor: 'top' })),
    ],
    ...rest,
  });
}

/** `x`, `x2`, … */
export const xAxis = (panel: number): string => nth('x', panel);

/** Short titles of suites, for panels. */
export const PANEL_TITLES = { CR: '<b>CR</b>: unseen repos', IR: '<b>IR</b>: training repos', OOD: '<b>OOD</b>: new repos' } as const;

function rowLabel({ label: text, style }: PanelRow): string {
  const short = text.replace('repository\'s', 'repo\'s');
  const lined = short.length > LINE ? short.replace(/ (?=\()/, '<br>') : short;
  if (style === 'heading') return `<b><span style="color:${INK}">${lined}</span></b>`;
  return style === 'control' ? `<span style="color:${MUTED}">${lined}</span>` : lined;
}

/** `mark what`, the mark in its colour. */
export const legendEntry = (mark: string, color: string, what: string): string => `<span style="color:${color}">${mark}</span> ${what}`;

/** Ticks at zero and at a round number on each side that has room for it: long numbers, of which a panel holds no more, and zero has its line. */
export function besideZero([low, high]: readonly [number, number]): { tickvals: number[]; ticktext: string[] } {
  const [less, most] = [-low, high].sort((a, b) => a - b) as [number, number], side = less > 0.4 * most ? less : most;
  const power = 10 ** Math.floor(Math.log10(side)), step = power * [5, 2, 1].find((round) => round * power <= side)!;
  const tickvals = [-step, 0, step].filter((value) => value >= low && value <= high);
  return { tickvals, ticktext: tickvals.map((value) => (value === 0 && step < 0.3 * (high - low) ? '' : String(Number(value.toPrecision(1))).replace('-', '−'))) };
}

/** A range in which all values lie, with some air. */
export function around(values: readonly number[], leastPad = 1): [number, number] {
  const finite = values.filter(Number.isFinite);
  const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
  const pad = Math.max(leastPad, 0.12 * (high - low));
  return [low - pad, high + pad];
}

/** An interval's ends and middle in percent, for an axis to hold; none where there is none. */
export const bounds = (interval: Interval | undefined): number[] =>
  (interval ? [interval.low, interval.mean, interval.high].filter(Number.isFinite).map((value) => 100 * value) : []);
