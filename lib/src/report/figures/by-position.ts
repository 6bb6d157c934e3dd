/** Strict exact match along histories: each method's own adapter, its first one kept, and what renewing it gains: in nats a token where all have likelihoods. */
import type { Interval } from '../../eval/types.js';
import type { PositionRow } from '../ablation/by-position.js';
import { legendBelow, legendHeight } from './legend.js';
import { around, bounds } from './panels.js';
import { axis, BLUE, type Figure, GREEN, layout, MUTED, SMALL, VERMILLION, PURPLE } from './theme.js';

const COLORS = [VERMILLION, BLUE, GREEN, PURPLE];
const HEIGHT = 350;
/** The lower panel ends and the upper begins at these heights. */
const GAINS = [0, 0.32] as const, SCORES = [0.42, 1] as const;

export function byPositionFigure(rows: readonly PositionRow[]): Figure {
  const choices = [...new Set(rows.map(({ choice }) => choice))];
  const gains = rows.filter(({ gain }) => gain), byNats = gains.length > 0 && gains.every(({ gainNats }) => gainNats);
  // Points are drawn as hundred times a fraction, nats as they are.
  const gainOf = ({ gain, gainNats }: PositionRow): Interval | undefined => {
    if (!byNats) return gain;
    if (!gainNats) return undefined;
    const { mean, low, high, ...size } = gainNats.difference;
    return { mean: mean / 100, low: low / 100, high: high / 100, ...size };
  };
  const gained = choices.filter((choice) => rows.some((row) => row.choice === choice && gainOf(row)));
  const width = Math.min(1, ...rows.map(({ from, to }) => to - from));
  // Intervals of one bin stand side by side.
  const shift = (choice: string, half: number): number => width * 0.16 * (choices.indexOf(choice) - (choices.length - 1) / 2 + half);
  const color = (choice: string): string => COLORS[choices.indexOf(choice) % COLORS.length]!;
  const legend = legendHeight([...new Set(rows.map(({ choice, adapter }) => nameOf(choice, adapter)))]);

  return {
    data: [
      ...choices.flatMap((choice) => (['none', 'own', 'first'] as const).flatMap((adapter) => {
        const line = rows.filter((row) => row.choice === choice && row.adapter === adapter);
        if (line.length === 0) return [];
        const hollow = adapter === 'first';
        return [{
          ...points(line.map(({ from, to, score }) => ({ x: (from + to) / 2 + shift(choice, hollow ? 0.5 : 0), interval: score })), color(choice), hollow),
          name: nameOf(choice, adapter), xaxis: 'x', yaxis: 'y',
          hovertemplate: `${choice}${hollow ? ', first adapter kept' : ''}<br>%{y:.1f}% [%{customdata[0]:.1f}, %{customdata[1]:.1f}], %{customdata[2]} tasks<extra></extra>`,
        }];
      })),
      ...gained.map((choice) => ({
        ...points(rows.flatMap((row) => {
          const interval = gainOf(row);
          return row.choice === choice && interval ? [{ x: (row.from + row.to) / 2 + shift(choice, 0), interval }] : [];
        }), color(choice), false),
        name: choice, showlegend: false, xaxis: 'x', yaxis: 'y2',
        hovertemplate: byNats ? `${choice}, own − first<br>%{y:.4f} nats a token [%{customdata[0]:.4f}, %{customdata[1]:.4f}]<extra></extra>`
          : `${choice}, own − first<br>%{y:.1f} points [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>`,
      })),
    ],
    layout: layout(HEIGHT + legend, {
      margin: { l: 62, r: 12, t: 12, b: 54 + legend },
      xaxis: axis({
        range: [-0.02, 1.02], tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ['first', '25%', '50%', '75%', 'last'], showgrid: false,
        anchor: gained.length ? 'y2' : 'y', ticks: 'outside', ticklen: 4, tickcolor: '#999999',
        title: { text: 'Position of the commit in its history', font: SMALL, standoff: 6 },
      }),
      yaxis: axis({
        domain: gained.length ? [...SCORES] : [0, 1], range: around(rows.flatMap(({ score }) => bounds(score))), nticks: 6,
        title: { text: 'Strict EM (%)', font: SMALL, standoff: 8 },
      }),
      ...(gained.length && {
        yaxis2: axis({
          domain: [...GAINS], range: around([0, ...rows.flatMap((row) => bounds(gainOf(row)))], byNats ? 0.002 : 1), nticks: 5, anchor: 'x',
          zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1, title: { text: byNats ? 'Own − first (nats)' : 'Own − first (points)', font: SMALL, standoff: 8 },
        }),
      }),
      ...legendBelow,
    }),
  };
}

const nameOf = (choice: string, adapter: PositionRow['adapter']): string => (adapter === 'first' ? `${choice}, first kept` : choice);

function points(list: readonly { x: number; interval: Interval }[], color: string, hollow: boolean): Record<string, unknown> {
  const means = list.map(({ interval }) => 100 * interval.mean);
  return {
    type: 'scatter', mode: 'lines+markers', x: list.map(({ x }) => x), y: means, cliponaxis: false,
    line: { color, width: 1.5, dash: hollow ? 'dot' : 'solid' },
    marker: { size: 7, color: hollow ? 'white' : color, line: { color, width: 1.5 } },
    error_y: {
      type: 'data', symmetric: false, array: list.map(({ interval }, i) => 100 * interval.high - means[i]!),
      arrayminus: list.map(({ interval }, i) => means[i]! - 100 * interval.low), color, thickness: 1, width: 0,
    },
    customdata: list.map(({ interval: { low, high, tasks } }) => [100 * low, 100 * high, tasks]),
  };
}
