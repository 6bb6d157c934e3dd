/** Cosines between the adapters of one history: each with that of the commit before, and with that of the first. */
import type { Drift } from '../ablation/drift.js';
import { legendBelow, legendHeight } from './legend.js';
import { axis, BLUE, type Figure, layout, SMALL, VERMILLION } from './theme.js';

const COLORS = [VERMILLION, BLUE];

/** @param drifts by the name of the method, of the same history */
export function driftFigure(drifts: Readonly<Record<string, readonly Drift[]>>): Figure {
  const lines = Object.entries(drifts).flatMap(([method, list], i) => [
    { name: `${method}, previous`, list, of: ({ toPrevious }: Drift) => toPrevious ?? null, color: COLORS[i % COLORS.length]!, dash: 'solid' },
    { name: `${method}, first`, list, of: ({ toFirst }: Drift) => toFirst, color: COLORS[i % COLORS.length]!, dash: 'dot' },
  ]);
  const cosines = lines.flatMap(({ list, of }) => list.flatMap((drift) => of(drift) ?? [])).filter(Number.isFinite);
  const low = Math.min(1, ...cosines), pad = 0.08 * (1 - low) || 0.01;
  const legend = legendHeight(lines.map(({ name }) => name));
  return {
    data: lines.map(({ name, list, of, color, dash }) => ({
      type: 'scatter', mode: 'lines+markers', name, x: list.map(({ commit }) => commit), y: list.map(of), cliponaxis: false,
      line: { color, width: 1.5, dash }, marker: { size: 7, color: dash === 'dot' ? 'white' : color, line: { color, width: 1.5 } },
      hovertemplate: `${name}<br>commit %{x}: %{y:.3f}<extra></extra>`,
    })),
    layout: layout(264 + legend, {
      margin: { l: 62, r: 12, t: 12, b: 54 + legend },
      xaxis: axis({
        title: { text: 'Kept commit of the repository', font: SMALL, standoff: 6 }, showgrid: false, nticks: 8, ticks: 'outside', ticklen: 4,
        tickcolor: '#999999', tickformat: 'd',
      }),
      yaxis: axis({ title: { text: 'Cosine of the adapters', font: SMALL, standoff: 8 }, range: [low - pad, 1 + pad], nticks: 6 }),
      ...legendBelow,
    }),
  };
}
