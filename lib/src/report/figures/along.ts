/**
 * What the own adapter gains over another repository's and over the average one, in nats a token, along something that
 * grows: passes over the training tasks, training repositories. One panel a suite, with 95% intervals.
 */
import type { Interval } from '../../eval/types.js';
import type { AblationRow } from '../ablation/rows.js';
import { suites } from '../labels.js';
import { legendBelow, legendHeight } from './legend.js';
import { around, PANEL_TITLES } from './panels.js';
import { axis, BLUE, type Figure, GREEN, label, layout, MUTED, nth, SMALL } from './theme.js';

const GAINS = [
  { key: 'gainNats', name: 'over another repo\'s', color: BLUE },
  { key: 'averageNats', name: 'over the average', color: GREEN },
] as const;
const PANEL = 190, GAP = 0.14;

/**
 * @param rows of choices whose names are numbers, the others are left out
 * @param xTitle what the numbers are
 */
export function alongFigure(rows: readonly AblationRow[], xTitle: string): Figure {
  const placed = rows.flatMap((row) => (Number.isFinite(Number(row.choice)) && row.gainNats ? [{ ...row, x: Number(row.choice) }] : [])).sort((a, b) => a.x - b.x);
  const shown = suites.filter((suite) => placed.some((row) => row.suite === suite));
  const height = (1 - GAP * (shown.length - 1)) / Math.max(1, shown.length);
  // The first panel on top.
  const domain = (panel: number): [number, number] => [1 - panel * (height + GAP) - height, 1 - panel * (height + GAP)].map((at) => Math.max(0, at)) as [number, number];
  const ticks = [...new Set(placed.map(({ x }) => x))];
  const yAxis = (panel: number): string => nth('y', panel);
  const legend = legendHeight(GAINS.map(({ name }) => name));
  return {
    data: shown.flatMap((suite, panel) => GAINS.map(({ key, name, color }, which) => {
      const line = placed.flatMap((row) => (row.suite === suite && row[key] ? [{ x: row.x, interval: row[key].difference }] : []));
      return {
        type: 'scatter', mode: 'lines+markers', name, showlegend: panel === 0, xaxis: 'x', yaxis: yAxis(panel), cliponaxis: false,
        // A little apart, so that neither hides the other's interval.
        x: line.map(({ x }) => x * (1 + 0.02 * (2 * which - 1))), y: line.map(({ interval }) => interval.mean),
        line: { color, width: 1.5 }, marker: { size: 7, color },
        error_y: {
          type: 'data', symmetric: false, array: line.map(({ interval }) => interval.high - interval.mean),
          arrayminus: line.map(({ interval }) => interval.mean - interval.low), color, thickness: 1.2, width: 0,
        },
        customdata: line.map(({ x, interval: { low, high } }) => [x, low, high]),
        hovertemplate: `%{customdata[0]}, ${name}<br>%{y:.4f} nats a token [%{customdata[1]:.4f}, %{customdata[2]:.4f}]<extra></extra>`,
      };
    })),
    layout: layout(70 + legend + PANEL * shown.length, {
      margin: { l: 72, r: 12, t: 24, b: 46 + legend },
      xaxis: axis({
        type: 'log', tickvals: ticks, ticktext: ticks.map(String), anchor: yAxis(shown.length - 1), showgrid: false, ticks: 'outside', ticklen: 4, tickcolor: '#999999',
        title: { text: xTitle, font: SMALL, standoff: 6 },
      }),
      ...Object.fromEntries(shown.map((suite, panel) => [yAxis(panel).replace('y', 'yaxis'), axis({
        domain: domain(panel), nticks: 8, zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1.5,
        range: around([0, ...placed.filter((row) => row.suite === suite).flatMap((row) => GAINS.flatMap(({ key }) => bounds(row[key]?.difference)))], 0.002),
        title: { text: 'Gain (nats a token)', font: SMALL, standoff: 8 },
      })])),
      annotations: shown.map((suite, panel) => label(PANEL_TITLES[suite], {
        xref: 'paper', yref: 'paper', x: 0.5, y: domain(panel)[1], xanchor: 'center', yanchor: 'bottom', yshift: 3,
      })),
      ...legendBelow,
    }),
  };
}

const bounds = (interval: Interval | undefined): number[] => (interval ? [interval.low, interval.high].filter(Number.isFinite) : []);
