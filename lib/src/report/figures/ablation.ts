/**
 * An ablation as a figure: for each choice the own adapter's strict exact match among its controls, and beside it what
 * the own adapter gains over another repository's, task by task: in nats a token where the likelihood was taken.
 */
import type { Interval } from '../../eval/types.js';
import type { AdapterKind } from '../../methods/index.js';
import type { AblationRow } from '../ablation/rows.js';
import { suites } from '../labels.js';
import { legendBelow, legendHeight } from './legend.js';
import { around, besideZero, bounds, PANEL_TITLES } from './panels.js';
import { axis, BLUE, type Figure, FONT, GREEN, label, layout, MUTED, VERMILLION, PURPLE } from './theme.js';

interface Mark {
  adapter: AdapterKind;
  name: string;
  color: string;
  symbol: string;
  filled?: true;
}

/** How each adapter is drawn, from the top of a row to its bottom. */
const MARKS: readonly Mark[] = [
  { adapter: 'none', name: 'no adapter', color: MUTED, symbol: 'circle', filled: true },
  { adapter: 'own', name: 'own', color: VERMILLION, symbol: 'circle', filled: true },
  { adapter: 'first', name: 'first commit', color: PURPLE, symbol: 'triangle-down' },
  { adapter: 'other', name: 'other repo', color: BLUE, symbol: 'circle' },
  { adapter: 'average', name: 'average', color: GREEN, symbol: 'diamond' },
  { adapter: 'empty', name: 'empty repo', color: MUTED, symbol: 'square' },
  { adapter: 'random', name: 'random', color: MUTED, symbol: 'triangle-up' },
];
/** Pixels of a mark in its row, of the room around them, of the choices' names, and the characters of a line of these. */
const MARK = 13, ROOM = 18, LEFT = 128, LINE = 14;
/** Where the left panel ends and the right one begins. */
const SCORES = [0, 0.6] as const, GAINS = [0.66, 1] as const;
const BAND = '#f4f4f4';

/** @param suite whose tasks are drawn; the first that was run when absent */
export function ablationFigure(rows: readonly AblationRow[], suite = suites.find((one) => rows.some((row) => row.suite === one))): Figure {
  const shown = rows.filter((row) => row.suite === suite);
  const marks = MARKS.filter(({ adapter }) => shown.some(({ scores }) => scores[adapter]));
  const height = ROOM + MARK * marks.length;
  // The marks that a row has stand around its middle.
  const place = (row: AblationRow, adapter: AdapterKind): number => {
    const present = marks.filter((mark) => row.scores[mark.adapter]).map((mark) => mark.adapter);
    return (MARK * (present.indexOf(adapter) - (present.length - 1) / 2)) / height;
  };
  const [low, high] = around(shown.flatMap((row) => marks.flatMap(({ adapter }) => bounds(row.scores[adapter]))));
  // One ruler for all rows: the likelihood where it was taken of every one that has a control. Nats are drawn as they are; the
  // panels multiply fractions by 100.
  const compared = shown.filter(({ gain }) => gain), byNats = compared.length > 0 && compared.every(({ gainNats }) => gainNats);
  const gainOf = ({ gain, gainNats }: AblationRow): Interval | undefined => (byNats ? gainNats && scaled(gainNats.difference, 0.01) : gain);
  const gains = around([0, ...shown.flatMap((row) => bounds(gainOf(row)))], byNats ? 0.002 : 1);
  const legend = legendHeight(marks.map(({ name }) => name));

  return {
    data: [
      ...marks.map(({ adapter, name, color, symbol, filled }) => ({
        ...dots(shown.map((row, at) => ({ at: at + place(row, adapter), choice: row.choice, interval: row.scores[adapter] })), color, filled ? 2 : 1),
        name, xaxis: 'x', yaxis: 'y',
        marker: { size: filled ? 9 : 7, symbol, color: filled ? color : 'white', line: { color, width: filled ? 2 : 1.5 } },
        hovertemplate: `%{text}, ${name}<br>%{x:.1f}% [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>`,
      })),
      {
        ...dots(shown.map((row, at) => ({ at, choice: row.choice, interval: gainOf(row) })), VERMILLION, 2),
        name: 'gain', xaxis: 'x2', yaxis: 'y', showlegend: false,
        marker: { size: 9, color: VERMILLION, line: { color: VERMILLION, width: 2 } },
        hovertemplate: byNats ? '%{text}, own − other<br>%{x:.3f} nats a token [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<extra></extra>'
          : '%{text}, own − other<br>%{x:.1f} points [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>',
      },
    ],
    layout: layout(82 + legend + height * shown.length, {
      margin: { l: LEFT, r: 10, t: 28, b: 54 + legend },
      xaxis: axis({ domain: [...SCORES], range: [Math.max(-1, low), high], nticks: 5, anchor: 'y' }),
      xaxis2: axis({ domain: [...GAINS], range: gains, ...(byNats ? besideZero(gains) : { nticks: 4 }), anchor: 'y', zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1.5 }),
      yaxis: axis({
        range: [shown.length - 0.5, -0.5], tickvals: shown.map((_, at) => at), ticktext: shown.map(({ choice }) => lined(choice)),
        tickfont: { ...FONT, size: 14 }, showgrid: false, ticklabelstandoff: 6,
      }),
      shapes: shown.flatMap((_, at) => (at % 2 ? [] : [SCORES, GAINS].map(([x0, x1]) => ({
        type: 'rect', xref: 'paper', x0, x1, yref: 'y', y0: at - 0.5, y1: at + 0.5, layer: 'below', fillcolor: BAND, line: { width: 0 },
      })))),
      annotations: [
        label(suite ? PANEL_TITLES[suite] : '', { ...above(SCORES), y: 1, yshift: 4, yanchor: 'bottom' }),
        label('Strict EM (%)', { ...above(SCORES), y: 0, yshift: -24, yanchor: 'top' }),
        label(byNats ? 'Own − other (nats)' : 'Own − other (points)', { ...above(GAINS), x: 1, xanchor: 'right', y: 0, yshift: -24, yanchor: 'top' }),
      ],
      ...legendBelow,
    }),
  };
}

const scaled = ({ mean, low, high, ...rest }: Interval, by: number): Interval => ({ mean: by * mean, low: by * low, high: by * high, ...rest });
const above = ([from, to]: readonly [number, number]): Record<string, unknown> => ({ xref: 'paper', yref: 'paper', x: (from + to) / 2, xanchor: 'center' });

/** Means with their intervals; what has none is left out. Of one repository alone the interval is NaN and not drawn. */
function dots(list: readonly { at: number; choice: string; interval: Interval | undefined }[], color: string, thickness: number): Record<string, unknown> {
  const found = list.flatMap(({ at, choice, interval }) =>
    (interval ? [{ at, choice, mean: 100 * interval.mean, low: 100 * interval.low, high: 100 * interval.high }] : []));
  return {
    type: 'scatter', mode: 'markers', x: found.map(({ mean }) => mean), y: found.map(({ at }) => at), cliponaxis: false,
    error_x: {
      type: 'data', symmetric: false, array: found.map(({ mean, high }) => high - mean), arrayminus: found.map(({ mean, low }) => mean - low),
      color, thickness, width: 0,
    },
    text: found.map(({ choice }) => choice), customdata: found.map(({ low, high }) => [low, high]),
  };
}

/** A name on lines of at most LINE characters, broken at spaces. */
function lined(name: string): string {
  const lines: string[] = [];
  for (const word of name.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < LINE) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('<br>');
}
