/** Score against the number of training repositories (Table 10, Figure 8), with both of the paper's fits. */
import { axis, BLUE, type Figure, label, layout, MUTED, SMALL, VERMILLION } from '../figures/theme.js';
import { legendBelow, legendHeight } from '../figures/legend.js';
import { around } from '../figures/panels.js';
import type { PublishedResults } from '../published.js';
import type { RepositoriesRow } from '../studies.js';
import { nats, natsSize, percent, type ReportTable } from '../table.js';
import { gainingOf } from '../own-vs-other.js';
import { logLinear, powerLaw } from './fits.js';

/** The rows of unseen repositories, by the number that is the choice's name. */
function placed(rows: readonly RepositoriesRow[]): (RepositoriesRow & { count: number })[] {
  return rows.filter(({ suite, choice }) => suite === 'CR' && Number.isFinite(Number(choice))).map((row) => ({ ...row, count: Number(row.choice) })).sort((a, b) => a.count - b.count);
}

const scoresOf = (rows: readonly (RepositoriesRow & { count: number })[]) => rows.flatMap(({ count, scores }) => (scores.own ? [{ x: count, y: 100 * scores.own.mean }] : []));

/** @param rows of `moreRepositories()` in lab/studies.ts */
export function repositoriesTable(rows: readonly RepositoriesRow[], { table10 }: PublishedResults): ReportTable {
  const shown = placed(rows), scores = scoresOf(shown), positive = scores.filter(({ y }) => y > 0);
  const paper = table10.rows.map(({ repos, EM }) => ({ x: repos, y: EM }));
  const told = (name: string, points: readonly { x: number; y: number }[]) => {
    const [line, power] = [logLinear(points), powerLaw(points)];
    return `${name}: EM = ${line.a.toFixed(1)} + ${line.b.toFixed(2)} ln n (R² ${line.r2.toFixed(2)}); EM = ${power.a.toFixed(1)} n^${power.b.toFixed(3)} (R² ${power.r2.toFixed(2)}).`;
  };
  return {
    head: 'Training repositories', ids: ['repositories'],
    groups: [
      { label: '', columns: [
        { key: 'strict_EM', label: 'Strict EM, CR', format: percent, interval: 'half-width' }, { key: 'paper_EM', label: 'Paper, relaxed EM', format: percent, paper: true },
        { key: 'nats', label: 'Loss, nats a token', format: natsSize, interval: 'half-width' }, { key: 'passes_kept', label: 'Kept after passes', format: (value) => value.toFixed(2) },
      ] },
      { label: 'Own adapter better by, nats a token', columns: [
        { key: 'over_other', label: 'than another repo\'s', format: nats, interval: 'bounds' }, { key: 'over_average', label: 'than the average', format: nats, interval: 'bounds' },
        { key: 'gaining', label: 'Repos that gain over the average' },
      ] },
    ],
    sections: [{
      title: '',
      rows: shown.map(({ count, scores: { own }, ownNats, gainNats, averageNats, passesKept }) => {
        const published = table10.rows.find(({ repos }) => repos === count)?.EM;
        return {
          label: String(count), kind: 'method' as const, ids: { repositories: count },
          values: {
            strict_EM: own, paper_EM: published === undefined ? undefined : published / 100, nats: ownNats, passes_kept: passesKept,
            over_other: gainNats?.difference, over_average: averageNats?.difference, gaining: averageNats && gainingOf(averageNats),
          },
        };
      }),
    }],
    findings: [...(positive.length > 2 ? [told('Here', positive)] : []), told('The paper', paper)],
    note: 'Unseen repositories, the same in every row; each row holds the repositories of the rows above it, and is trained for three passes, of which validation keeps the parameters of one step: what grows with passes, as the distance from the average adapter does, differs in these too. ± is half the 95% interval over repositories, '
      + 'one training seed. The paper\'s numbers are of Qwen2.5-Coder-1.5B on other tasks.',
  };
}

/** Strict exact match of unseen repositories against the number of training repositories, and the paper's. */
export function repositoriesFigure(rows: readonly RepositoriesRow[], { table10 }: PublishedResults): Figure {
  const shown = placed(rows), here = scoresOf(shown), paper = table10.rows.map(({ repos, EM }) => ({ x: repos, y: EM }));
  const series = [
    { name: 'here, strict EM', color: VERMILLION, points: here, intervals: shown.flatMap(({ scores: { own } }) => (own ? [own] : [])), yaxis: 'y2' },
    { name: 'paper, relaxed EM', color: BLUE, points: paper, intervals: undefined, yaxis: 'y' },
  ];
  const most = Math.max(...paper.map(({ x }) => x)), ticks = [10, 25, 50, 100, 200, 400, 600].filter((tick) => tick <= 1.1 * most);
  const legend = legendHeight(series.map(({ name }) => name));
  return {
    data: series.filter(({ points }) => points.length).flatMap(({ name, color, points, intervals, yaxis }) => {
      const fit = points.length > 2 ? logLinear(points) : undefined, xs = points.map(({ x }) => x), ends = [Math.min(...xs), Math.max(...xs)];
      return [
        {
          type: 'scatter', mode: 'markers', name, yaxis, x: xs, y: points.map(({ y }) => y), marker: { color, size: 8 }, cliponaxis: false,
          ...(intervals && { error_y: {
            type: 'data', symmetric: false, color, thickness: 1.2, width: 0,
            array: intervals.map(({ high, mean }) => 100 * (high - mean)), arrayminus: intervals.map(({ low, mean }) => 100 * (mean - low)),
          } }),
          hovertemplate: `%{x} repositories: %{y:.1f}%<extra>${name}</extra>`,
        },
        ...(fit ? [{ type: 'scatter', mode: 'lines', showlegend: false, hoverinfo: 'skip', yaxis, x: ends, y: ends.map(fit.at), line: { color, width: 1.2, dash: 'dot' } }] : []),
      ];
    }),
    layout: layout(2 * 170 + 60 + legend, {
      margin: { l: 56, r: 12, t: 22, b: 48 + legend },
      xaxis: axis({ type: 'log', tickvals: ticks, ticktext: ticks.map(String), showgrid: false, anchor: 'y', ticks: 'outside', ticklen: 4, tickcolor: '#999999', title: { text: 'Training repositories', font: SMALL, standoff: 6 } }),
      yaxis: axis({ domain: [0, 0.44], nticks: 5, range: around(paper.map(({ y }) => y), 0.5), title: { text: 'Paper (%)', font: SMALL, standoff: 8 } }),
      yaxis2: axis({ domain: [0.54, 1], nticks: 5, anchor: 'x', range: around(shown.flatMap(({ scores: { own } }) => (own ? [100 * own.low, 100 * own.high] : []))), title: { text: 'Here (%)', font: SMALL, standoff: 8 } }),
      annotations: [label('broken lines: a + b ln n', { xref: 'paper', yref: 'paper', x: 1, y: 1, xanchor: 'right', yanchor: 'bottom', font: { ...SMALL, color: MUTED } })],
      ...legendBelow,
    }),
  };
}
