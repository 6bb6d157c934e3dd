/** Cosines between the adapters of one history: with the commit before, and with the first. One panel of lines a method. */
import type { Drift } from '../ablation/drift.js';
import { legendBelow, legendHeight } from './legend.js';
import { axis, BLUE, type Figure, layout, SMALL, VERMILLION } from './theme.js';

const COLORS = [VERMILLION, BLUE];

/** @param drifts by the name of the method, of the same history */
export function driftFigure(drifts: Readonly<Record<string, readonly Drift[]>>): Figure {
  const methods = Object.entries(drifts);
  const cosines = methods.flatMap(([, list]) => list.flatMap(({ toFirst, toPrevious = toFirst }) => [toFirst, toPrevious])).filter(Number.isFinite);
  const low = Math.min(1, ...cosines), pad = 0.08 * (1 - low) || 0.01;
  return {
    data: methods.flatMap(([method, list], i) => [
      { name: `${method}, to commit before`, of: ({ toPrevious }: Drift) => toPrevious ?? null, dash: 'solid', hollow: false },
      { name: `${method}, to first commit`, of: ({ toFirst }: Drift) => toFirst, dash: 'dot', hollow: true },
    ].map(({ name, of, dash, hollow }) => {
      const color = COLORS[i % COLORS.length]!;
      return {
        type: 'scatter', mode: 'lines+markers', name, x: list.map(({ commit }) => commit), y: list.map(of), cliponaxis: false,
        line: { color, width: 1.5, dash }, marker: { size: 7, color: hollow ? 'white' : color, line: { color, width: 1.5 } },
        hovertemplate: `${name}<br>commit %{x}: %{y:.3f}<extra></extra>`,
      };
    })),
    layout: layout(264 + legendHeight(2 * methods.length), {
      margin: { l: 62, r: 12, t: 12, b: 54 + legendHeight(2 * methods.length) },
      xaxis: axis({ title: { text: 'Kept commit of the repository', font: SMALL, standoff: 6 }, showgrid: false, nticks: 8, ticks: 'outside', ticklen: 4, tickcolor: '#999999', tickformat: 'd' }),
      yaxis: axis({ title: { text: 'Cosine of the adapters', font: SMALL, standoff: 8 }, range: [low - pad, 1 + pad], nticks: 6 }),
      ...legendBelow,
    }),
  };
}
