/** What a corpus is made of: tasks per repository, assertion families, kinds of target. */
import { from, op } from 'arquero';
import type { Task } from '../../data/types.js';
import { plain } from '../plain.js';
import { BLUE, type Figure, GREEN, SMALL, VERMILLION, axis, label, layout, PURPLE } from './theme.js';

const SPLITS = [
  { split: 'train', label: 'train', color: BLUE },
  { split: 'cr_val', label: 'CR val', color: GREEN },
  { split: 'cr_test', label: 'CR test', color: VERMILLION },
  { split: 'ood_test', label: 'OOD test', color: PURPLE },
] as const;

type Count = { key: string; tasks: number };
type CorpusTask = Pick<Task, 'repo' | 'split' | 'family' | 'targetKind'>;

/** Every repository one dot, by its number of tasks; a row a split. */
export function tasksPerRepository(tasks: readonly CorpusTask[]): Figure {
  const counts = from([...tasks]).groupby('split', 'repo').rollup({ tasks: op.count() }).objects() as { split: string; repo: string; tasks: number }[];
  const splits = SPLITS.filter(({ split }) => counts.some((row) => row.split === split));
  return {
    data: splits.map(({ split, color }, position) => {
      const rows = counts.filter((row) => row.split === split).sort((a, b) => a.tasks - b.tasks);
      return {
        type: 'scatter',
        mode: 'markers',
        x: rows.map((row) => row.tasks),
        // A fixed zigzag keeps repositories of the same size apart.
        y: rows.map((_, index) => position + 0.11 * ((index % 5) - 2)),
        text: rows.map((row) => plain(row.repo)),
        marker: { size: 7, color, opacity: 0.65, line: { width: 0 } },
        cliponaxis: false,
        hovertemplate: '%{text}: %{x} tasks<extra></extra>',
      };
    }),
    layout: layout(86 + 52 * splits.length, {
      margin: { l: 108, r: 16, t: 10, b: 48 },
      xaxis: axis({ title: { text: 'Tasks per repository', font: SMALL, standoff: 6 }, rangemode: 'tozero', nticks: 7 }),
      yaxis: axis({
        range: [splits.length - 0.5, -0.5],
        tickvals: splits.map((_, position) => position),
        ticktext: splits.map(({ split, label: name }) => `${name} (${counts.filter((row) => row.split === split).length})`),
        showgrid: false,
        ticklabelstandoff: 6,
      }),
    }),
  };
}

export const assertionFamilies = (tasks: readonly CorpusTask[]): Figure => shares(tasks, 'family');

export const targetKinds = (tasks: readonly CorpusTask[]): Figure => shares(tasks, 'targetKind');

/** Horizontal bars, longest first, each labelled with its count and share. */
function shares(tasks: readonly CorpusTask[], column: 'family' | 'targetKind'): Figure {
  const counts = (from(tasks.map((task) => ({ key: task[column] }))).groupby('key').rollup({ tasks: op.count() }).objects() as Count[])
    .sort((a, b) => b.tasks - a.tasks);
  const most = counts[0]?.tasks ?? 1;
  return {
    data: [{
      type: 'bar',
      orientation: 'h',
      x: counts.map((row) => row.tasks),
      y: counts.map((_, position) => position),
      marker: { color: BLUE },
      hoverinfo: 'skip',
    }],
    layout: layout(28 + 30 * counts.length, {
      margin: { l: 112, r: 8, t: 8, b: 8 },
      bargap: 0.35,
      xaxis: axis({ visible: false, range: [0, 1.45 * most] }),
      yaxis: axis({
        range: [counts.length - 0.5, -0.5],
        tickvals: counts.map((_, position) => position),
        ticktext: counts.map((row) => row.key),
        showgrid: false,
        ticklabelstandoff: 6,
      }),
      annotations: counts.map((row, position) =>
        label(`${row.tasks.toLocaleString('en')} (${((100 * row.tasks) / tasks.length).toFixed(0)}%)`, {
          x: row.tasks, y: position, xref: 'x', yref: 'y', xanchor: 'left', xshift: 4,
        })),
    }),
  };
}
