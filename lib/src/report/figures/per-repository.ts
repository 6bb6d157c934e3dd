/** Strict exact match of single repositories, a dot each, with the quartiles: what a method's mean hides (as Figure 6). */
import { perRepository } from '../../eval/per-repository.js';
import type { Prediction } from '../../eval/types.js';
import type { Track } from '../../methods/index.js';
import { isCode2Lora, isControl, lines, suites } from '../labels.js';
import { around, PANEL_TITLES, panelLayout, xAxis } from './panels.js';
import { plain } from '../plain.js';
import { BLUE, type Figure, VERMILLION } from './theme.js';

const ROW = 34;

/** CR and IR of one track; the controls are left out. */
export function perRepositoryFigure(predictions: readonly Prediction[], track: Track): Figure {
  const own = predictions.filter((p) => p.track === track && p.suite !== 'OOD' && !isControl(p.adapter));
  const rows = lines(own);
  const panels = suites.filter((suite) => own.some((p) => p.suite === suite));
  const boxes = panels.flatMap((suite, panel) => rows.flatMap(({ method, label, items }, row) => {
    const scores = perRepository(items.filter((p) => p.suite === suite));
    return scores.length ? [{ panel, row, label, scores, color: isCode2Lora(method) ? VERMILLION : BLUE }] : [];
  }));
  const [, most] = around([0, ...boxes.flatMap(({ scores }) => scores.map(({ strictEM }) => 100 * strictEM))]);
  return {
    data: boxes.map(({ panel, row, label, scores, color }) => ({
      type: 'box', orientation: 'h', xaxis: xAxis(panel), yaxis: 'y', x: scores.map(({ strictEM }) => 100 * strictEM), y: scores.map(() => row), width: 0.6,
      boxpoints: 'all', pointpos: 0, jitter: 0.8, marker: { color, size: 3, opacity: 0.6 }, line: { color, width: 1.5 }, fillcolor: 'rgba(0,0,0,0)',
      name: label, text: scores.map(({ repo }) => plain(repo)), hoveron: 'points', hovertemplate: `%{text}: %{x:.1f}%<extra>${label}</extra>`,
    })),
    layout: panelLayout({
      titles: panels.map((suite) => PANEL_TITLES[suite]), rows: rows.map(({ label }) => ({ label, style: 'method' })), rowHeight: ROW, range: [-0.04 * most, most],
      xTitle: 'Strict exact match of a repository (%)',
    }),
  };
}
