/** The figures of docs/scaling.md: small panels of size against time or memory, and memory along a long run. */
import { axis, BLUE, INK, label, layout, MUTED, nth, SMALL, VERMILLION } from '../../../lib/dist/report/figures/theme.js';

const COLUMNS = 3, GAP = { x: 0.1, y: 0.15 };

/** One panel for each list of points; both axes in powers of two. A dashed line shows proportion, for time. */
export function scalingFigure(series, key, unit) {
  const rows = Math.ceil(series.length / COLUMNS), width = (1 - GAP.x * (COLUMNS - 1)) / COLUMNS, height = (1 - GAP.y * (rows - 1)) / rows;
  const place = (i) => ({ x: (i % COLUMNS) * (width + GAP.x), y: 1 - Math.floor(i / COLUMNS) * (height + GAP.y) - height });
  const axes = series.map((list, i) => {
    const { x, y } = place(i), values = list.map((p) => p[key]), sizes = list.map((p) => p.size);
    const middle = Math.sqrt(sizes[0] * sizes.at(-1)), nearest = sizes.reduce((a, b) => (Math.abs(Math.log(b / middle)) < Math.abs(Math.log(a / middle)) ? b : a));
    const ticks = [sizes[0], nearest, sizes.at(-1)];
    return {
      [nth('xaxis', i)]: axis({ type: 'log', domain: [x, x + width], anchor: nth('y', i), tickvals: ticks, ticktext: ticks.map((v) => v.toLocaleString('en')), tickangle: 0, tickfont: { ...SMALL, size: 11 } }),
      [nth('yaxis', i)]: axis({
        type: 'log', domain: [y, y + height], anchor: nth('x', i), tickfont: { ...SMALL, size: 11 }, tickformat: '~g',
        range: [Math.log10(Math.min(...values) / 1.6), Math.log10(Math.max(...values, key === 'gigabytes' ? 8 : 0) * 1.4)],
        tickvals: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].filter((v) => v >= Math.min(...values) / 1.6),
      }),
    };
  });
  return {
    data: series.flatMap((list, i) => {
      const at = { xaxis: nth('x', i), yaxis: nth('y', i), type: 'scatter', showlegend: false };
      const x = list.map((p) => p.size), y = list.map((p) => p[key]);
      const proportional = { ...at, mode: 'lines', x, y: x.map((size) => (y.at(-1) * size) / x.at(-1)), line: { color: MUTED, width: 1, dash: 'dash' }, hoverinfo: 'skip' };
      return [...(key === 'seconds' ? [proportional] : []), { ...at, mode: 'lines+markers', x, y, line: { color: BLUE, width: 1.5 }, marker: { size: 6, color: BLUE }, hovertemplate: `%{x}: %{y} ${unit}<extra></extra>` }];
    }),
    layout: layout(180 * rows, {
      margin: { l: 50, r: 10, t: 44, b: 30 }, ...Object.assign({}, ...axes),
      annotations: [
        ...series.map(([{ measure, of }], i) => label(`<b>${measure}</b><br>${of}`, {
          xref: 'paper', yref: 'paper', x: place(i).x + width / 2, y: place(i).y + height, xanchor: 'center', yanchor: 'bottom', font: { ...SMALL, size: 11, color: INK },
        })),
        label(unit, { xref: 'paper', yref: 'paper', x: 0, xshift: -46, y: 0.5, textangle: -90, xanchor: 'left' }),
      ],
    }),
  };
}

/** Resident memory above, tensors below, by minutes since the run began. */
export function enduranceFigure(samples) {
  const began = new Date(samples[0].time).getTime(), x = samples.map(({ time }) => (new Date(time).getTime() - began) / 60_000);
  const trace = (y, yaxis, color) => ({ type: 'scatter', mode: 'lines', x, y, xaxis: 'x', yaxis, line: { color, width: 1.3 } });
  return {
    data: [trace(samples.map((s) => s.resident_mb / 1024), 'y', BLUE), trace(samples.map((s) => s.tensors), 'y2', VERMILLION)],
    layout: layout(330, {
      margin: { l: 62, r: 12, t: 10, b: 44 },
      xaxis: axis({ anchor: 'y2', title: { text: 'Minutes', font: SMALL, standoff: 6 } }),
      yaxis: axis({ domain: [0.54, 1], rangemode: 'tozero', nticks: 5, title: { text: 'Resident, GB', font: SMALL, standoff: 8 } }),
      yaxis2: axis({ domain: [0, 0.46], rangemode: 'tozero', nticks: 5, title: { text: 'Tensors', font: SMALL, standoff: 8 } }),
    }),
  };
}
