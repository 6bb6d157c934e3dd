/** Of which kinds a method's errors are, as shares of its answers: a bar is as long as the share that is wrong (as Figure 12). */
import { type ErrorKind, errorKinds } from '../../eval/error-kind.js';
import type { Track } from '../../methods/index.js';
import type { ErrorCounts } from '../errors.js';
import { isControl, lines, suites } from '../labels.js';
import { KIND_LABELS } from '../tables/errors.js';
import { legendEntry, PANEL_TITLES, panelLayout, xAxis } from './panels.js';
import type { Figure } from './theme.js';

const ROW = 34;
/** Okabe and Ito, neighbours apart in lightness. */
const COLORS: Record<ErrorKind, string> = {
  'empty': '#999999', 'hallucination': '#000000', 'near-miss': '#009E73', 'syntax': '#56B4E9', 'identifier': '#0072B2', 'literal': '#E69F00', 'type': '#D55E00',
};

/** The kinds in two lines. */
const LEGEND = [errorKinds.slice(0, 4), errorKinds.slice(4)];

/** CR and IR of one track; the controls are left out. */
export function errorFigure(counts: readonly ErrorCounts[], track: Track): Figure {
  const own = counts.filter((one) => one.track === track && one.suite !== 'OOD' && !isControl(one.adapter));
  const rows = lines(own);
  const panels = suites.filter((suite) => own.some((one) => one.suite === suite));
  return {
    data: panels.flatMap((suite, panel) => errorKinds.map((kind) => {
      const bars = rows.flatMap(({ label, items }, row) => items.filter((one) => one.suite === suite)
        .map(({ kinds, answers }) => ({ label, row, share: (100 * kinds[kind]) / answers })));
      return {
        type: 'bar', orientation: 'h', xaxis: xAxis(panel), yaxis: 'y', x: bars.map(({ share }) => share), y: bars.map(({ row }) => row), width: 0.66,
        marker: { color: COLORS[kind] }, name: KIND_LABELS[kind], text: bars.map(({ label }) => label), textposition: 'none',
        hovertemplate: `%{text}<br>${KIND_LABELS[kind]}: %{x:.1f}% of the answers<extra></extra>`,
      };
    })),
    layout: panelLayout({
      titles: panels.map((suite) => PANEL_TITLES[suite]), rows: rows.map(({ label }) => ({ label, style: 'method' })), rowHeight: ROW, range: [0, 108],
      xTitle: 'Wrong answers (%)', legend: LEGEND.map((kinds) => kinds.map((kind) => legendEntry('■', COLORS[kind], KIND_LABELS[kind])).join('   ')),
      rest: { barmode: 'stack' },
    }),
  };
}
