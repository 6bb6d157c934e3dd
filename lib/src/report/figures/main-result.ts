/** The headline figure: strict exact match of every method and control, with its interval, on CR and IR. */
import { type Line, lines } from '../labels.js';
import type { SummaryRow } from '../summary.js';
import { BLUE, FONT, type Figure, MUTED, SMALL, VERMILLION, axis, label, layout } from './theme.js';

const ROW = 44;

export function mainResult(rows: readonly SummaryRow[]): Figure {
  const order = lines(rows);
  const suites = (['CR', 'IR'] as const).filter((suite) => order.some((line) => line[suite]));
  const bounds = order.flatMap((line) => suites.flatMap((suite) => {
    const score = line[suite]?.strictEM;
    return score ? [score.low, score.mean, score.high].filter(Number.isFinite) : [];
  }));
  const [low, high] = bounds.length ? [100 * Math.min(...bounds), 100 * Math.max(...bounds)] : [0, 1];
  const pad = Math.max(1, 0.12 * (high - low));
  const range = [Math.max(0, low - pad) - (low - pad < 0 ? 0.5 : 0), high + pad];
  const gap = 0.07;
  const panel = (1 - gap * (suites.length - 1)) / suites.length;

  const axes = Object.fromEntries(suites.map((_, index) => [
    `xaxis${index + 1}`.replace('axis1', 'axis'),
    axis({
      domain: [index * (panel + gap), index * (panel + gap) + panel],
      range,
      nticks: 5,
      anchor: 'y',
    }),
  ]));
  const title = (suite: 'CR' | 'IR', index: number): Record<string, unknown> =>
    label(suite === 'CR' ? '<b>CR</b>: unseen repos' : '<b>IR</b>: training repos', {
      xref: 'paper', yref: 'paper', x: index * (panel + gap) + panel / 2, y: 1, yshift: 4, xanchor: 'center', yanchor: 'bottom',
    });

  return {
    data: suites.flatMap((suite, index) => order.flatMap((line, position) => dot(line, suite, position, index))),
    layout: layout(72 + ROW * order.length, {
      margin: { l: 152, r: 12, t: 30, b: 44 },
      ...axes,
      yaxis: axis({
        range: [order.length - 0.5, -0.6],
        tickvals: order.map((_, position) => position),
        ticktext: order.map((line) => (line.control ? `<span style="color:${MUTED}">${line.label.replace("repository's", "repo's")}</span>` : line.label)),
        tickfont: { ...FONT, size: 14 },
        showgrid: false,
        ticklabelstandoff: 6,
      }),
      annotations: [
        ...suites.map(title),
        label('Strict exact match (%)', { xref: 'paper', yref: 'paper', x: 0.5, y: 0, yshift: -24, yanchor: 'top' }),
      ],
    }),
  };
}

/** One dot with its interval and its value above it; a control is hollow. */
function dot(line: Line, suite: 'CR' | 'IR', position: number, panel: number): Record<string, unknown>[] {
  const score = line[suite]?.strictEM;
  if (!score) return [];
  const color = line.method.startsWith('code2lora') ? VERMILLION : BLUE;
  const mean = 100 * score.mean;
  return [{
    type: 'scatter',
    mode: 'markers+text',
    x: [mean],
    y: [position],
    xaxis: panel === 0 ? 'x' : `x${panel + 1}`,
    yaxis: 'y',
    // The interval of a single repository is unknown: NaN, of which JSON makes null, and plotly draws no line.
    error_x: {
      type: 'data', symmetric: false, array: [100 * score.high - mean], arrayminus: [mean - 100 * score.low], color, thickness: 2, width: 0,
    },
    marker: { size: 9, color: line.control ? 'white' : color, line: { color, width: 2 } },
    text: [mean.toFixed(1)],
    textposition: 'top center',
    textfont: { ...SMALL, color },
    cliponaxis: false,
    hovertemplate: `${line.label}, ${suite}<br>%{x:.1f}% [${(100 * score.low).toFixed(1)}, ${(100 * score.high).toFixed(1)}]<extra></extra>`,
  }];
}
