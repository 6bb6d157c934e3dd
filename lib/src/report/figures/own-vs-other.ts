/** What the own adapter gains over another repository's (filled) and over the average (hollow): paired differences. */
import { type Control, methodLines, suites, TRACKS, tracks } from '../labels.js';
import type { Comparison } from '../own-vs-other.js';
import { around, legendEntry, PANEL_TITLES, type PanelRow, panelLayout, xAxis } from './panels.js';
import { BLUE, type Figure, VERMILLION } from './theme.js';

const ROW = 40;
/** The two controls that are drawn, how far from the middle of a row, and how. */
const DRAWN = [
  { control: 'other', mark: '●', name: 'own − other repo\'s', shift: -0.16, color: VERMILLION, fill: VERMILLION },
  { control: 'average', mark: '○', name: 'own − average', shift: 0.16, color: BLUE, fill: 'white' },
] as const satisfies { control: Control; mark: string; name: string; shift: number; color: string; fill: string }[];

export function ownVsOtherFigure(comparisons: readonly Comparison[]): Figure {
  const byNats = comparisons.some(({ nats }) => nats);
  /** In nats a token where the likelihood was taken, else in points. */
  const gain = ({ nats, difference: { mean, low, high } }: Comparison) => nats?.difference ?? { mean: 100 * mean, low: 100 * low, high: 100 * high };
  const drawn = comparisons.filter(({ control }) => DRAWN.some((one) => one.control === control));
  /** A method whose likelihoods were not taken has a row without dots beside those that have. */
  const onRuler = ({ nats }: Comparison) => nats !== undefined || !byNats;
  const shown = drawn.filter(onRuler);
  const panels = suites.filter((suite) => shown.some((one) => one.suite === suite));
  const rows = tracks.flatMap((track): (PanelRow & { items: Comparison[] })[] => {
    const methods = methodLines(drawn.filter((one) => one.track === track));
    if (methods.length === 0) return [];
    return [{ label: TRACKS[track], style: 'heading', items: [] }, ...methods.map(({ label, items }) => ({ label, style: 'method' as const, items }))];
  });
  const range = around([0, ...shown.map(gain).flatMap(({ low, mean, high }) => [low, mean, high])], byNats ? 0.002 : 1);
  return {
    data: panels.flatMap((suite, panel) => DRAWN.map(({ control, name, shift, color, fill }) => {
      const dots = rows.flatMap(({ label, items }, row) => items.filter((one) => one.suite === suite && one.control === control && onRuler(one))
        .map((one) => ({ label, row, ...gain(one) })));
      return {
        type: 'scatter', mode: 'markers', xaxis: xAxis(panel), yaxis: 'y', x: dots.map(({ mean }) => mean), y: dots.map(({ row }) => row + shift),
        error_x: {
          type: 'data', symmetric: false, array: dots.map(({ mean, high }) => high - mean), arrayminus: dots.map(({ mean, low }) => mean - low), color, thickness: 2, width: 0,
        },
        marker: { size: 6, color: fill, line: { color, width: 1.5 } }, cliponaxis: false,
        name,
        customdata: dots.map(({ low, high }) => [low, high]), text: dots.map(({ label }) => label),
        hovertemplate: byNats ? '%{text}<br>%{x:.4f} nats a token [%{customdata[0]:.4f}, %{customdata[1]:.4f}]<extra></extra>'
          : '%{text}<br>%{x:.1f} points [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>',
      };
    })),
    layout: panelLayout({
      titles: panels.map((suite) => PANEL_TITLES[suite]), rows, rowHeight: ROW, range, xTitle: byNats ? 'Nats a target token that the own adapter gains' : 'Difference in strict exact match (points)',
      legend: [DRAWN.map(({ mark, color, name }) => legendEntry(mark, color, name)).join('     ')],
      zero: true,
    }),
  };
}
