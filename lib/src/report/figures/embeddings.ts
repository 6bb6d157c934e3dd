/** How alike repository vectors are: the cosines of all pairs, a panel each kind of vectors, on one scale. */
import { axis, BLUE, type Figure, GREEN, INK, label, layout, MUTED, nth, VERMILLION } from './theme.js';

const BIN = 0.04;
const PANEL = 96, GAP = 34, TOP = 30, BOTTOM = 46;
const COLORS = [VERMILLION, BLUE, GREEN];

/** @param kinds cosines in [-1, 1] by what to call them, from top to bottom; at most three kinds */
export function cosineHistogram(kinds: Readonly<Record<string, readonly number[]>>): Figure {
  const panels = Object.entries(kinds).map(([name, cosines]) =>
    ({ name, shares: sharesOf(cosines), mean: cosines.reduce((sum, x) => sum + x, 0) / cosines.length }));
  const inner = panels.length * PANEL + (panels.length - 1) * GAP;
  const top = (i: number) => 1 - (i * (PANEL + GAP)) / inner;
  return {
    data: panels.map(({ name, shares }, i) => ({
      type: 'bar', xaxis: 'x', yaxis: nth('y', i), x: shares.map(({ middle }) => middle), y: shares.map(({ share }) => 100 * share), width: BIN,
      marker: { color: COLORS[i % COLORS.length], line: { width: 0 } },
      hovertemplate: `${name}<br>cosine %{x:.2f}: %{y:.1f}% of the pairs<extra></extra>`,
    })),
    layout: layout(inner + TOP + BOTTOM, {
      margin: { l: 46, r: 14, t: TOP, b: BOTTOM },
      bargap: 0,
      xaxis: axis({ range: [-1.02, 1.04], tickvals: [-1, -0.5, 0, 0.5, 1], anchor: nth('y', panels.length - 1) }),
      ...Object.fromEntries(panels.map((_, i) => [
        nth('y', i).replace('y', 'yaxis'),
        axis({ domain: [Math.max(0, top(i) - PANEL / inner), top(i)], rangemode: 'tozero', nticks: 4, ticksuffix: '%' }),
      ])),
      shapes: panels.map(({ mean }, i) => ({
        type: 'line', xref: 'x', yref: `${nth('y', i)} domain`, x0: mean, x1: mean, y0: 0, y1: 1, line: { color: INK, width: 1.5, dash: 'dot' },
      })),
      annotations: [
        ...panels.map(({ name, mean }, i) => label(`<b>${name}</b>: mean ${mean.toFixed(3).replace('-', '−')}`, {
          xref: 'paper', yref: 'paper', x: 0, y: top(i), xanchor: 'left', yanchor: 'bottom', yshift: 4,
        })),
        label('Cosine of two repositories', { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -24, yanchor: 'top', font: { size: 13, color: MUTED } }),
      ],
    }),
  };
}

/** Bins that hold a pair, and which share of all pairs. */
function sharesOf(cosines: readonly number[]): { middle: number; share: number }[] {
  const counts = new Map<number, number>();
  const last = Math.round(2 / BIN) - 1;
  for (const x of cosines) {
    const bin = Math.max(0, Math.min(last, Math.floor((x + 1) / BIN)));
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b).map(([bin, count]) => ({ middle: -1 + (bin + 0.5) * BIN, share: count / cosines.length }));
}
