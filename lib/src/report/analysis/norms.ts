/** How large the changes are that adapters make, by type of weight matrix (Figure 11). */
import { projections, type Adapter, type Projection } from '../../lora/adapter.js';
import { deltaGram } from '../../lora/gram.js';
import { axis, BLUE, type Figure, GREEN, layout, SMALL, VERMILLION } from '../figures/theme.js';
import { legendBelow, legendHeight } from '../figures/legend.js';

/** Frobenius norms of alpha/r · B A, over all layers together, of each type. */
export type WeightNorms = Record<Projection, number>;

/** @param adapter of one repository, without a shared part */
export const weightNorms = (adapter: Adapter): WeightNorms =>
  Object.fromEntries(projections.map((p) => [p, Math.sqrt(deltaGram([adapter], [p])[0]![0]!)])) as WeightNorms;

const COLOURS = [VERMILLION, BLUE, GREEN];

/** @param byMethod norms of several adapters by what to call the method; one dot an adapter */
export function weightNormsFigure(byMethod: Readonly<Record<string, readonly WeightNorms[]>>): Figure {
  const names = Object.keys(byMethod), legend = legendHeight(names);
  return {
    data: names.map((name, i) => {
      const norms = byMethod[name]!.flatMap((one) => projections.map((p) => ({ p, norm: one[p] })));
      return {
        type: 'box', name, x: norms.map(({ p }) => p.replace('_proj', '')), y: norms.map(({ norm }) => norm), offsetgroup: String(i),
        marker: { color: COLOURS[i % COLOURS.length], size: 3 }, line: { width: 1.3 }, boxpoints: 'outliers', fillcolor: 'rgba(0,0,0,0)',
        hovertemplate: `${name}, %{x}: %{y:.3f}<extra></extra>`,
      };
    }),
    layout: layout(270 + legend, {
      boxmode: 'group', margin: { l: 60, r: 12, t: 12, b: 34 + legend },
      xaxis: axis({ showgrid: false }), yaxis: axis({ rangemode: 'tozero', nticks: 6, title: { text: 'Norm of ΔW', font: SMALL, standoff: 8 } }),
      ...legendBelow,
    }),
  };
}
