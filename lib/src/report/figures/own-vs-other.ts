/** What the own adapter gains over another repository's (filled) and over the average (hollow): paired differences. */
import { type Control, methodLines, suites, TRACKS, tracks } from '../labels.js';
import type { Comparison } from '../own-vs-other.js';
import { around, legendEntry, PANEL_TITLES, type PanelRow, panelLayout, xAxis } from './panels.js';
import { BLUE, type Figure, MUTED, VERMILLION } from './theme.js';

const ROW = 40;
/** The two controls that are drawn, how far from the middle of a row, and how. */
const DRAWN = [
  { control: 'other', mark: '●', name: 'own − other repo\'s', shift: -0.16, color: VERMILLION, fill: VERMILLION },
  { control: 'average', mark: '○', name: 'own − average', shift: 0.16, color: BLUE, fill: 'white' },
] as const satisfies { control: Control; mark: string; name: string; shift: number; color: string; fill: string }[];

export function ownVsOtherFigure(comparisons: readonly Comparison[]): Figure {
  const shown = comparisons.filter(({ control }) => DRAWN.some((drawn) => drawn.control === control));
  const panels = suites.filter((suite) => shown.some((one) => one.suite === suite));
  const rows = tracks.flatMap((track): (PanelRow & { items: Comparison[] })[] => {
    const methods = methodLines(shown.filter((one) => one.track === track));
    if (methods.length === 0) return [];
    return [{ label: TRACKS[track], style: 'heading', items: [] }, ...methods.map(({ label, items }) => ({ label, style: 'method' as const, items }))];
  });
  const range = around([0, ...shown.flatMap(({ difference }) => [difference.low, difference.mean, difference.high].map((points) => 100 * points))]);
  return {
    data: panels.flatMap((suite, panel) => DRAWN.map(({ control, name, shift, color, fill }) => {
      const dots = rows.flatMap(({ label, items }, row) => items.filter((one) => one.suite === suite && one.control === control)
        .map(({ difference: { mean, low, high } }) => ({ label, row, mean: 100 * mean, low: 100 * low, high: 100 * high })));
      return {
        type: 'scatter', mode: 'markers', xaxis: xAxis(panel), yaxis: 'y', x: dots.map(({ mean }) => mean), y: dots.map(({ row }) => row + shift),
        error_x: {
          type: 'data', symmetric: false, array: dots.map(({ mean, high }) => high - mean), arrayminus: dots.map(({ mean, low }) => mean - low), color, thickness: 2, width: 0,
        },
        marker: { size: 8, color: fill, line: { color, width: 2 } }, cliponaxis: false,
        name,
        customdata: dots.map(({ low, high }) => [low, high]), text: dots.map(({ label }) => label),
        hovertemplate: '%{text}<br>%{x:.1f} points [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>',
      };
    })),
    layout: panelLayout({
      titles: panels.map((suite) => PANEL_TITLES[suite]), rows, rowHeight: ROW, range, xTitle: 'Difference in strict exact match (points)',
      legend: [DRAWN.map(({ mark, color, name }) => legendEntry(mark, color, name)).join('     ')],
      rest: {
        shapes: panels.map((_, panel) => ({
          type: 'line', xref: xAxis(panel), yref: 'paper', x0: 0, x1: 0, y0: 0, y1: 1, layer: 'below', line: { color: MUTED, width: 1 },
        })),
      },
    }),
  };
}
