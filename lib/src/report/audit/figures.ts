/** An audit as figures: steps from the average to the own adapter, places of the own adapter, and adapters in a plane (as Figure 10). */
import type { Audit } from '../../lab/audit/audit.js';
import { legendBelow, legendHeight } from '../figures/legend.js';
import { around, PANEL_TITLES } from '../figures/panels.js';
import { plain } from '../plain.js';
import { axis, BLUE, type Figure, label, layout, MUTED, nth, SMALL, VERMILLION, PURPLE } from '../figures/theme.js';
import type { AuditRow } from './rows.js';

const COLOURS = { CR: BLUE, IR: VERMILLION, OOD: PURPLE } as const;
const NAMES = { CR: 'CR: unseen repos', IR: 'IR: training repos', OOD: 'OOD: new repos' } as const;

/** Gain over the average adapter against the step towards the own one. */
export function stepsFigure(rows: readonly AuditRow[]): Figure {
  const legend = legendHeight(rows.map(({ suite }) => NAMES[suite]));
  return {
    data: rows.map(({ suite, steps }, which) => ({
      type: 'scatter', mode: 'lines+markers', name: NAMES[suite], cliponaxis: false,
      x: steps.map(({ step }) => step + 0.012 * (2 * which - 1)), y: steps.map(({ gain }) => gain.mean),
      line: { color: COLOURS[suite], width: 1.5 }, marker: { color: COLOURS[suite], size: 7 },
      error_y: {
        type: 'data', symmetric: false, color: COLOURS[suite], thickness: 1.2, width: 0,
        array: steps.map(({ gain }) => gain.high - gain.mean), arrayminus: steps.map(({ gain }) => gain.mean - gain.low),
      },
      customdata: steps.map(({ step, gain }) => [step, gain.low, gain.high]),
      hovertemplate: `${NAMES[suite]}, step %{customdata[0]}<br>%{y:.4f} nats a token [%{customdata[1]:.4f}, %{customdata[2]:.4f}]<extra></extra>`,
    })),
    layout: layout(280 + legend, {
      margin: { l: 72, r: 14, t: 12, b: 50 + legend },
      xaxis: axis({ tickvals: rows[0]?.steps.map(({ step }) => step), showgrid: false, title: { text: 'Step from the average (0) to the own adapter (1)', font: SMALL, standoff: 8 } }),
      yaxis: axis({
        range: around([0, ...rows.flatMap(({ steps }) => steps.flatMap(({ gain }) => [gain.low, gain.high]))].filter(Number.isFinite), 0.002), nticks: 6,
        zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1.5, title: { text: 'Gain over average (nats a token)', font: SMALL, standoff: 8 },
      }),
      ...legendBelow,
    }),
  };
}

const BINS = 10;

/** How often the own adapter stands in which tenth of all adapters; chance gives a tenth in each. */
export function placesFigure(rows: readonly AuditRow[]): Figure {
  const width = (1 - 0.1 * (rows.length - 1)) / Math.max(1, rows.length);
  const shares = (row: AuditRow) => Array.from({ length: BINS }, (_, bin) =>
    (100 * row.places.filter(({ place }) => Math.min(BINS - 1, Math.floor(place * BINS)) === bin).length) / row.places.length);
  const most = Math.max(100 / BINS, ...rows.flatMap(shares));
  return {
    data: rows.map((row, i) => ({
      type: 'bar', xaxis: nth('x', i), yaxis: nth('y', i), x: Array.from({ length: BINS }, (_, bin) => (100 * (bin + 0.5)) / BINS), y: shares(row), width: 8.5,
      marker: { color: COLOURS[row.suite] }, hovertemplate: '%{x}% of the way: %{y:.0f}% of the repositories<extra></extra>',
    })),
    layout: layout(230, {
      margin: { l: 66, r: 12, t: 28, b: 48 },
      ...Object.fromEntries(rows.flatMap((_, i) => [
        [nth('xaxis', i), axis({ domain: [i * (width + 0.1), i * (width + 0.1) + width], range: [0, 100], tickvals: [12, 88], ticktext: ['best', 'worst'], showgrid: false, anchor: nth('y', i) })],
        [nth('yaxis', i), axis({ range: [0, 1.15 * most], nticks: 5, ticksuffix: '%', anchor: nth('x', i), ...(i === 0 && { title: { text: 'Share of repos', font: SMALL, standoff: 6 } }) })],
      ])),
      shapes: rows.map((_, i) => ({ type: 'line', xref: nth('x', i), yref: nth('y', i), x0: 0, x1: 100, y0: 100 / BINS, y1: 100 / BINS, line: { color: MUTED, width: 1.5, dash: 'dot' } })),
      annotations: [
        ...rows.map(({ suite }, i) => label(PANEL_TITLES[suite], { xref: 'paper', yref: 'paper', x: i * (width + 0.1) + width / 2, y: 1, xanchor: 'center', yanchor: 'bottom', yshift: 4 })),
        label('Place of the own adapter among all', { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -24, yanchor: 'top' }),
      ],
    }),
  };
}

/** The changes of weights of all repositories on the plane that holds the most of them: as they are, and less their mean. */
export function planeFigure({ suites }: Audit): Figure {
  const panels = ['plane', 'centredPlane'] as const, titles = ['as they are', 'less their mean'];
  const spans = panels.map((panel) => {
    const all = suites.flatMap(({ spread }) => spread.deltas![panel].places.flat());
    return 1.1 * Math.max(1e-9, ...all.map(Math.abs));
  });
  const legend = legendHeight(suites.map(({ suite }) => NAMES[suite]));
  return {
    data: panels.flatMap((panel, i) => suites.map(({ suite, repositories, spread }) => ({
      type: 'scatter', mode: 'markers', name: NAMES[suite], showlegend: i === 0, xaxis: nth('x', i), yaxis: nth('y', i),
      x: spread.deltas![panel].places.map(([x]) => x), y: spread.deltas![panel].places.map(([, y]) => y),
      marker: { color: COLOURS[suite], size: 5, opacity: 0.75 }, text: repositories.map(plain), hovertemplate: '%{text}<extra></extra>',
    }))),
    layout: layout(262 + legend, {
      margin: { l: 14, r: 14, t: 28, b: 34 + legend },
      ...Object.fromEntries(panels.flatMap((_, i) => {
        const range = [-spans[i]!, spans[i]!], from = 0.52 * i;
        return [
          [nth('xaxis', i), axis({ domain: [from, from + 0.48], range, showticklabels: false, zeroline: true, zerolinecolor: '#bbbbbb', anchor: nth('y', i), nticks: 5 })],
          [nth('yaxis', i), axis({ range, showticklabels: false, zeroline: true, zerolinecolor: '#bbbbbb', anchor: nth('x', i), nticks: 5 })],
        ];
      })),
      annotations: [
        ...titles.map((title, i) => label(`<b>${title}</b>`, { xref: 'paper', yref: 'paper', x: 0.52 * i + 0.24, y: 1, xanchor: 'center', yanchor: 'bottom', yshift: 4 })),
        ...panels.map((panel, i) => label(`${suites.map(({ suite, spread }) => `${suite} ${(100 * spread.deltas![panel].share).toFixed(0)}%`).join(', ')} of squared length`, {
          xref: 'paper', yref: 'paper', x: 0.52 * i + 0.24, y: 0, xanchor: 'center', yanchor: 'top', yshift: -4, font: { ...SMALL, color: MUTED },
        })),
      ],
      ...legendBelow,
    }),
  };
}
