/** Training and validation loss by step; the same figure for a hypernetwork's training and the base model's pre-training. */
import { BLUE, type Figure, SMALL, VERMILLION, axis, label, layout } from './theme.js';

export interface LossPoint {
  step: number;
  /** Mean cross-entropy in nats per target token. */
  loss: number;
}

/** At least one curve has a point; losses are finite. `best` marks the checkpoint that was kept. */
export function lossCurve(curves: { train: readonly LossPoint[]; val: readonly LossPoint[]; best?: number }): Figure {
  const train = curves.train.length > 60 ? smooth(curves.train) : curves.train;
  const best = curves.val.find((point) => point.step === curves.best);
  const ends = [
    { name: 'train', color: BLUE, points: train },
    { name: 'validation', color: VERMILLION, points: curves.val },
  ].filter(({ points }) => points.length > 0);
  // Early spikes of single steps may leave the frame; the smoothed curve and the lowest steps may not.
  const heights = ends.flatMap(({ points }) => points.map((point) => point.loss));
  const low = Math.min(...heights, ...curves.train.map((point) => point.loss));
  const high = Math.max(...heights);
  const last = Math.max(...ends.map(({ points }) => points.at(-1)!.step));
  const span = high - low || 1;
  // Labels stand at the right end of their curve; when the ends nearly touch, the lower one moves below.
  const spread = apart(ends.map(({ points }) => points.at(-1)!.loss), 0.09 * span);
  return {
    data: [
      ...(train === curves.train ? [] : [line(curves.train, BLUE, { opacity: 0.25, width: 1, hover: false })]),
      ...ends.map(({ points, color, name }) => line(points, color, { opacity: 1, width: 2, hover: true, name, markers: name === 'validation' && points.length <= 30 })),
      ...(best ? [{
        type: 'scatter', mode: 'markers', x: [best.step], y: [best.loss], hovertemplate: 'kept checkpoint, step %{x}: %{y:.3f}<extra></extra>',
        marker: { size: 11, color: 'white', line: { color: VERMILLION, width: 2 } }, cliponaxis: false,
      }] : []),
    ],
    layout: layout(290, {
      margin: { l: 58, r: 84, t: 12, b: 48 },
      xaxis: axis({ title: { text: 'Step', font: SMALL, standoff: 6 }, showgrid: false, nticks: 6, ticks: 'outside', ticklen: 4, tickcolor: '#999999', range: [0, last] }),
      yaxis: axis({ title: { text: 'Loss (nats per token)', font: SMALL, standoff: 8 }, nticks: 6, range: [low - 0.03 * span, high + 0.06 * span] }),
      annotations: ends.map(({ name, color }, index) =>
        label(name, { xref: 'paper', x: 1, xanchor: 'left', xshift: 6, yref: 'y', y: spread[index], yanchor: 'middle', font: { ...SMALL, color } })),
    }),
  };
}

function line(points: readonly LossPoint[], color: string, style: { opacity: number; width: number; hover: boolean; name?: string; markers?: boolean }): Record<string, unknown> {
  return {
    type: 'scatter',
    mode: style.markers ? 'lines+markers' : 'lines',
    x: points.map((point) => point.step),
    y: points.map((point) => point.loss),
    opacity: style.opacity,
    line: { color, width: style.width },
    marker: { color, size: 5 },
    cliponaxis: false,
    ...(style.hover ? { hovertemplate: `${style.name}, step %{x}: %{y:.3f}<extra></extra>` } : { hoverinfo: 'skip' }),
  };
}

/** Running mean over a thirtieth of the curve: single steps are noisy. */
function smooth(points: readonly LossPoint[]): LossPoint[] {
  const reach = Math.max(1, Math.round(points.length / 60));
  return points.map(({ step }, index) => {
    const near = points.slice(Math.max(0, index - reach), index + reach + 1);
    return { step, loss: near.reduce((sum, point) => sum + point.loss, 0) / near.length };
  });
}

/** Moves the lower of two heights down until they are `distance` apart. */
function apart(heights: number[], distance: number): number[] {
  const [a, b] = heights;
  if (a === undefined || b === undefined || Math.abs(a - b) >= distance) return heights;
  const middle = (a + b) / 2;
  return a >= b ? [middle + distance / 2, middle - distance / 2] : [middle - distance / 2, middle + distance / 2];
}
