/** When the kept commits of the evolution track were made (paper, Figure 2): a row a split, with the cut-off as a line. */
import type { Commit } from '../../data/types.js';
import { UserError } from '../../store/errors.js';
import { axis, BLUE, type Figure, GREEN, GRID, INK, label, layout, MUTED, nth, SMALL, VERMILLION, PURPLE } from './theme.js';

const SPLITS = [
  { split: 'train', name: 'train', color: BLUE },
  { split: 'cr_val', name: 'CR val', color: GREEN },
  { split: 'cr_test', name: 'CR test', color: VERMILLION },
  { split: 'ood_test', name: 'OOD test', color: PURPLE },
] as const;

/** Months a bar can span; the shortest that needs at most MOST_BARS bars is taken. */
const SPANS = [1, 3, 6, 12, 24, 60];
const MOST_BARS = 60;
/** Months between two ticks, of which the fewest that need at most six ticks are taken. */
const TICKS = [1, 2, 3, 6, 12, 24, 36, 48, 60, 120];
const ROW = 62;

/**
 * Commits per calendar month, or more months where the history is long, counted as they go by. Every row has its own
 * height scale: training has many times the commits of the others.
 * @param cutoff ISO time; bars are laid so that one begins in its month
 * @throws UserError when it is none
 */
export async function commitTimes(commits: Iterable<Pick<Commit, 'split' | 'time'>> | AsyncIterable<Pick<Commit, 'split' | 'time'>>, cutoff: string): Promise<Figure> {
  const end = monthOf(Date.parse(cutoff));
  if (Number.isNaN(end)) throw new UserError(`The cut-off "${cutoff}" is no time: write it as 2025-04-01.`);
  const perMonth = new Map<string, Map<number, number>>();
  let unknown = 0;
  for await (const { split, time } of commits) {
    const month = monthOf(Date.parse(time));
    if (Number.isNaN(month)) {
      unknown++;
      continue;
    }
    const months = perMonth.get(split) ?? new Map<number, number>();
    perMonth.set(split, months.set(month, (months.get(month) ?? 0) + 1));
  }
  const all = [...perMonth.values()].flatMap((months) => [...months.keys()]);
  const first = Math.min(end - 1, ...all), last = Math.max(end, ...all);
  const span = SPANS.find((months) => (last - first) / months < MOST_BARS) ?? SPANS.at(-1)!;
  const splits = SPLITS.filter(({ split }) => perMonth.has(split));
  const bars = splits.map(({ split }) => binned(perMonth.get(split)!, end, span));
  const gap = 0.2 / Math.max(1, splits.length);
  const panel = 1 / Math.max(1, splits.length);
  // A share of the width stays free on both sides, so that neither bars nor the cut-off stand on the edge.
  const low = dateOf(end + span * Math.floor((first - end) / span)), high = dateOf(end + span * (Math.floor((last - end) / span) + 1));
  const pad = 0.02 * (high - low);
  const monthsATick = TICKS.find((months) => (last - first + span) / months <= 6) ?? TICKS.at(-1)!;
  const years = monthsATick >= 12;

  return {
    data: splits.map(({ name, color }, row) => ({
      type: 'bar',
      x: bars[row]!.map(({ start }) => iso(dateOf(start))),
      y: bars[row]!.map(({ commits: count }) => count),
      width: bars[row]!.map(({ start }) => 0.9 * (dateOf(start + span) - dateOf(start))),
      offset: 0,
      yaxis: nth('y', row),
      marker: { color, line: { width: 0 } },
      hovertemplate: `${name}, from %{x|%b %Y}: %{y}<extra></extra>`,
    })),
    layout: layout((years ? 80 : 96) + ROW * splits.length, {
      margin: { l: 104, r: 52, t: 26, b: years ? 54 : 70 },
      xaxis: axis({
        type: 'date', range: [iso(low - pad), iso(high + pad)], anchor: `y${splits.length > 1 ? splits.length : ''}`,
        showgrid: false, tickangle: 0, tick0: '2000-01-01', dtick: `M${monthsATick}`, tickformat: years ? '%Y' : '%b\n%Y',
        ticks: 'outside', ticklen: 4, tickcolor: '#999999',
        title: { text: `Kept commits ${period(span)}${unknown ? ` (${unknown.toLocaleString('en')} without a time left out)` : ''}`, font: SMALL, standoff: 8 },
      }),
      ...Object.fromEntries(splits.map((_, row) => {
        const most = Math.max(...bars[row]!.map(({ commits: count }) => count));
        return [nth('yaxis', row), axis({
          domain: [1 - (row + 1) * panel + gap, 1 - row * panel], range: [0, 1.12 * most], side: 'right',
          tickvals: [0, most], ticktext: ['0', most.toLocaleString('en')], zeroline: true, zerolinecolor: GRID,
        })];
      })),
      shapes: [{
        type: 'line', xref: 'x', yref: 'paper', x0: iso(Date.parse(cutoff)), x1: iso(Date.parse(cutoff)), y0: gap, y1: 1,
        line: { color: INK, width: 1, dash: 'dot' },
      }],
      annotations: [
        label('cut-off', { xref: 'x', yref: 'paper', x: iso(Date.parse(cutoff)), y: 1, yanchor: 'bottom', xanchor: 'center', font: { ...SMALL, color: MUTED } }),
        ...splits.map(({ split, name, color }, row) => label(`${name}<br>(${sum(perMonth.get(split)!).toLocaleString('en')})`, {
          xref: 'paper', yref: 'paper', x: 0, y: 1 - (row + 0.5) * panel + gap / 2, xanchor: 'right', yanchor: 'middle', xshift: -10, align: 'right', font: { ...SMALL, color },
        })),
      ],
    }),
  };
}

/** Months put together from `end` backwards and forwards, so that no bar holds both sides of it. */
function binned(months: Map<number, number>, end: number, span: number): { start: number; commits: number }[] {
  const bins = new Map<number, number>();
  for (const [month, commits] of months) {
    const start = end + span * Math.floor((month - end) / span);
    bins.set(start, (bins.get(start) ?? 0) + commits);
  }
  return [...bins].map(([start, commits]) => ({ start, commits })).sort((a, b) => a.start - b.start);
}

/** Months since year 0, in UTC; NaN for no time. */
const monthOf = (time: number): number => 12 * new Date(time).getUTCFullYear() + new Date(time).getUTCMonth();
const dateOf = (month: number): number => new Date(0).setUTCFullYear(Math.floor(month / 12), month % 12, 1);
const iso = (time: number): string => new Date(time).toISOString().slice(0, 10);
const sum = (months: Map<number, number>): number => [...months.values()].reduce((total, commits) => total + commits, 0);
const period = (span: number): string => ({ 1: 'per month', 3: 'per quarter', 12: 'per year' })[span] ?? `per ${span < 12 ? `${span} months` : `${span / 12} years`}`;
