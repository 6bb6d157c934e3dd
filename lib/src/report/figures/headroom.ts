/** Repository by repository: what there is to win (headroom by its other tests), and what a written adapter wins over the average one. */
import type { RepositoryHeadroom } from '../headroom.js';
import { suites } from '../labels.js';
import { PANEL_TITLES } from './panels.js';
import { plain } from '../plain.js';
import { axis, BLUE, type Figure, label, layout, MUTED, nth, SMALL } from './theme.js';

/** @param method of the rows, as it is called on the axis */
export function headroomFigure(rows: readonly RepositoryHeadroom[], method: string): Figure {
  const drawn = rows.flatMap(({ repo, suite, tests, written }) => (tests !== undefined && written !== undefined ? [{ repo, suite, tests, written }] : []));
  const panels = suites.filter((suite) => drawn.some((row) => row.suite === suite));
  const width = (1 - 0.1 * (panels.length - 1)) / Math.max(1, panels.length);
  const most = 1.1 * Math.max(0.001, ...drawn.flatMap(({ tests, written }) => [Math.abs(tests), Math.abs(written)]));
  return {
    data: panels.map((suite, i) => {
      const some = drawn.filter((row) => row.suite === suite);
      return {
        type: 'scatter', mode: 'markers', xaxis: nth('x', i), yaxis: nth('y', i), x: some.map(({ tests }) => tests), y: some.map(({ written }) => written), text: some.map(({ repo }) => plain(repo)),
        marker: { color: BLUE, size: 6, opacity: 0.7 }, hovertemplate: `%{text}<br>its other tests %{x:.3f}, ${method} %{y:.3f}<extra></extra>`,
      };
    }),
    layout: layout(270, {
      margin: { l: 62, r: 12, t: 28, b: 52 },
      ...Object.fromEntries(panels.flatMap((_, i) => [
        [nth('xaxis', i), axis({ range: [-most, most], nticks: 6, tickangle: 0, domain: [i * (width + 0.1), i * (width + 0.1) + width], anchor: nth('y', i), zeroline: true, zerolinecolor: MUTED })],
        [nth('yaxis', i), axis({ range: [-most, most], nticks: 5, anchor: nth('x', i), zeroline: true, zerolinecolor: MUTED, ...(i === 0 && { title: { text: 'Own over average (nats)', font: SMALL, standoff: 8 } }) })],
      ])),
      // On this line all that there is to win would be won.
      shapes: panels.map((_, i) => ({ type: 'line', xref: nth('x', i), yref: nth('y', i), x0: -most, y0: -most, x1: most, y1: most, line: { color: MUTED, width: 1, dash: 'dot' } })),
      annotations: [
        ...panels.map((suite, i) => label(PANEL_TITLES[suite], { xref: 'paper', yref: 'paper', x: i * (width + 0.1) + width / 2, y: 1, xanchor: 'center', yanchor: 'bottom', yshift: 4 })),
        label('Trained on its other tests, over single LoRA (nats a token)', { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -28, yanchor: 'top' }),
      ],
    }),
  };
}
