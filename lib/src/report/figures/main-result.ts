/** The headline figure: strict exact match of every method and its two main controls, with their intervals. */
import type { Track } from '../../methods/index.js';
import { isCode2Lora, isCompared, type Line, lines, suites, TRACKS, tracks } from '../labels.js';
import type { SummaryRow } from '../summary.js';
import { around, PANEL_TITLES, panelLayout, xAxis } from './panels.js';
import { BLUE, type Figure, SMALL, VERMILLION } from './theme.js';

/** Pixels a row; less where there are many. */
const ROW = 44, CLOSE_ROW = 36, MANY = 12;

/** CR and IR of one track. */
export function mainResult(summary: readonly SummaryRow[], track: Track): Figure {
  const rows = summary.filter((row) => row.track === track && row.suite !== 'OOD');
  return figure(rows, suites.filter((suite) => rows.some((row) => row.suite === suite)).map((suite) => ({
    title: PANEL_TITLES[suite], has: (row) => row.suite === suite,
  })));
}

/** OOD of both tracks, of those that have it. */
export function oodResult(summary: readonly SummaryRow[]): Figure {
  const rows = summary.filter(({ suite }) => suite === 'OOD');
  return figure(rows, tracks.filter((track) => rows.some((row) => row.track === track)).map((track) => ({
    title: `<b>OOD</b>: ${TRACKS[track].toLowerCase()}`, has: (row) => row.track === track,
  })));
}

interface Panel {
  title: string;
  has(row: SummaryRow): boolean;
}

function figure(rows: readonly SummaryRow[], panels: readonly Panel[]): Figure {
  const order = lines(rows).filter(({ adapter }) => isCompared(adapter));
  const [low, high] = around(order.flatMap(({ items }) => items.flatMap(({ strictEM }) => [strictEM.low, strictEM.mean, strictEM.high].map((score) => 100 * score))));
  return {
    data: panels.flatMap(({ title, has }, panel) => order.flatMap((line, row) => dot(line, line.items.find(has), title, row, panel))),
    layout: panelLayout({
      titles: panels.map(({ title }) => title),
      rows: order.map(({ label, control }) => ({ label, style: control ? 'control' : 'method' })),
      rowHeight: order.length > MANY ? CLOSE_ROW : ROW, range: [Math.max(low, -0.5), high], xTitle: 'Strict exact match (%)',
    }),
  };
}

/** One dot with its interval and its value above it; a control is hollow. */
function dot(line: Line<SummaryRow>, scores: SummaryRow | undefined, title: string, row: number, panel: number): Record<string, unknown>[] {
  if (!scores) return [];
  const color = isCode2Lora(line.method) ? VERMILLION : BLUE;
  const [low, mean, high] = [scores.strictEM.low, scores.strictEM.mean, scores.strictEM.high].map((score) => 100 * score) as [number, number, number];
  return [{
    type: 'scatter',
    mode: 'markers+text',
    x: [mean],
    y: [row],
    xaxis: xAxis(panel),
    yaxis: 'y',
    // The interval of a single repository is unknown: NaN, of which JSON makes null, and plotly draws no line.
    error_x: { type: 'data', symmetric: false, array: [high - mean], arrayminus: [mean - low], color, thickness: 2, width: 0 },
    marker: { size: 9, color: line.control ? 'white' : color, line: { color, width: 2 } },
    text: [mean.toFixed(1)],
    textposition: 'top center',
    textfont: { ...SMALL, color },
    cliponaxis: false,
    hovertemplate: `${line.label}, ${title}<br>%{x:.1f}% [${low.toFixed(1)}, ${high.toFixed(1)}]<extra></extra>`,
  }];
}
