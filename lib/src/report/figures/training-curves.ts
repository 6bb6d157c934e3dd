/** Validation loss by step of several trainings, each by its name, with a ring at the checkpoint that was kept. */
import { UserError } from '../../store/errors.js';
import { legendBelow, legendHeight } from './legend.js';
import { axis, BLUE, type Figure, GREEN, layout, SMALL, VERMILLION, PURPLE } from './theme.js';

const COLORS = [VERMILLION, BLUE, GREEN, PURPLE, '#E69F00', '#56B4E9', '#000000'];

export interface Training {
  name: string;
  record: { losses: readonly { step: number; validation: number }[]; bestStep: number };
}

/** @throws UserError when none of them has a measurement */
export function trainingCurves(trainings: readonly Training[]): Figure {
  const drawn = trainings.filter(({ record }) => record.losses.length > 0);
  if (drawn.length === 0) throw new UserError('None of these runs trained anything: choose a method that does.');
  const legend = legendHeight(drawn.map(({ name }) => name));
  const color = (i: number): string => COLORS[i % COLORS.length]!;
  return {
    data: drawn.flatMap(({ name, record: { losses, bestStep } }, i) => {
      const best = losses.filter(({ step }) => step === bestStep);
      return [
        {
          type: 'scatter', mode: 'lines+markers', name, x: losses.map(({ step }) => step), y: losses.map(({ validation }) => validation), cliponaxis: false,
          line: { color: color(i), width: 1.5 }, marker: { size: 4, color: color(i) }, hovertemplate: `${name}, step %{x}: %{y:.3f}<extra></extra>`,
        },
        {
          type: 'scatter', mode: 'markers', showlegend: false, hoverinfo: 'skip', x: best.map(({ step }) => step), y: best.map(({ validation }) => validation), cliponaxis: false,
          marker: { size: 10, color: 'white', line: { color: color(i), width: 2 } },
        },
      ];
    }),
    layout: layout(280 + legend, {
      margin: { l: 58, r: 16, t: 12, b: 54 + legend },
      xaxis: axis({ title: { text: 'Step', font: SMALL, standoff: 6 }, showgrid: false, nticks: 6, ticks: 'outside', ticklen: 4, tickcolor: '#999999', rangemode: 'tozero' }),
      yaxis: axis({ title: { text: 'Validation loss (nats per token)', font: SMALL, standoff: 8 }, nticks: 6 }),
      ...legendBelow,
    }),
  };
}
