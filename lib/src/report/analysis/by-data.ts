/** What a method gains on each repository, against how much data the repository has (as Figure 7). */
import type { Likelihood } from '../../eval/types.js';
import { PANEL_TITLES } from '../figures/panels.js';
import { repositoryGains } from '../own-vs-other.js';
import { plain } from '../plain.js';
import { axis, BLUE, type Figure, label, layout, MUTED, nth, SMALL } from '../figures/theme.js';

/** A repository: its data, and the nats a token by which the first of two is better on it. */
export interface GainByData {
  repo: string;
  suite: 'CR' | 'IR';
  data: number;
  gain: number;
}

/**
 * @param better and `worse`: likelihoods of the same tasks
 * @param data of each repository; one without is left out
 */
export function gainsByData(better: readonly Likelihood[], worse: readonly Likelihood[], data: ReadonlyMap<string, number>): GainByData[] {
  return (['CR', 'IR'] as const).flatMap((suite) => {
    const of = (rows: readonly Likelihood[]) => rows.filter((row) => row.suite === suite);
    return repositoryGains(of(better), of(worse)).flatMap(({ repo, gain }) => {
      const size = data.get(repo);
      return size === undefined ? [] : [{ repo, suite, data: size, gain }];
    });
  });
}

/** Rank correlation (Spearman), NaN where all data or all gains are equal; and what is rare without a relation: |ρ| beyond 1.96 / sqrt(n - 1). */
export function rankCorrelation(rows: readonly GainByData[]): { rho: number; chance: number } {
  const ranks = (values: readonly number[]) => values.map((v) => values.filter((w) => w < v).length + (values.filter((w) => w === v).length - 1) / 2);
  const [a, b] = [ranks(rows.map(({ data }) => data)), ranks(rows.map(({ gain }) => gain))], middle = (rows.length - 1) / 2;
  const product = (x: readonly number[], y: readonly number[]) => x.reduce((n, v, i) => n + (v - middle) * (y[i]! - middle), 0);
  return { rho: product(a, b) / Math.sqrt(product(a, a) * product(b, b)), chance: 1.96 / Math.sqrt(rows.length - 1) };
}

/** @param what the data are, for the axis */
export function byDataFigure(rows: readonly GainByData[], what: string): Figure {
  const panels = (['CR', 'IR'] as const).filter((suite) => rows.some((row) => row.suite === suite));
  const width = (1 - 0.12 * (panels.length - 1)) / Math.max(1, panels.length);
  const most = 1.1 * Math.max(0.001, ...rows.map(({ gain }) => Math.abs(gain)));
  return {
    data: panels.map((suite, i) => {
      const some = rows.filter((row) => row.suite === suite);
      return {
        type: 'scatter', mode: 'markers', xaxis: nth('x', i), yaxis: nth('y', i), x: some.map(({ data }) => data), y: some.map(({ gain }) => gain), text: some.map(({ repo }) => plain(repo)),
        marker: { color: BLUE, size: 6, opacity: 0.7 }, hovertemplate: '%{text}: %{y:.3f} nats a token<extra></extra>',
      };
    }),
    layout: layout(286, {
      margin: { l: 62, r: 12, t: 44, b: 52 },
      ...Object.fromEntries(panels.flatMap((_, i) => [
        [nth('xaxis', i), axis({ type: 'log', dtick: 1, domain: [i * (width + 0.12), i * (width + 0.12) + width], anchor: nth('y', i) })],
        [nth('yaxis', i), axis({ range: [-most, most], nticks: 5, anchor: nth('x', i), zeroline: true, zerolinecolor: MUTED, zerolinewidth: 1.5, ...(i === 0 && { title: { text: 'Gain (nats a token)', font: SMALL, standoff: 8 } }) })],
      ])),
      annotations: [
        ...panels.map((suite, i) => {
          const { rho, chance } = rankCorrelation(rows.filter((row) => row.suite === suite));
          const related = Number.isNaN(rho) ? 'all alike' : `ρ = ${rho.toFixed(2).replace('-', '−')} (chance: ±${chance.toFixed(2)})`;
          return label(`${PANEL_TITLES[suite]}<br>${related}`, {
            xref: 'paper', yref: 'paper', x: i * (width + 0.12) + width / 2, y: 1, xanchor: 'center', yanchor: 'bottom',
          });
        }),
        label(what, { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -28, yanchor: 'top' }),
      ],
    }),
  };
}
