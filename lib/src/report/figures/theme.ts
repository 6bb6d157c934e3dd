/**
 * What all figures share: one column of a two-column paper wide (3.3 in), 7.5 pt sans serif, a colour-blind-safe
 * palette (Okabe and Ito), no frame. The layout is in screen pixels; export scales 480 px to 3.3 in, so the same
 * figure is easy to read in a notebook. The background stays white: a figure looks in JupyterLab as it will in print.
 */

/** What plotly.js draws: `Plotly.newPlot(element, figure.data, figure.layout)`. */
export interface Figure {
  data: Record<string, unknown>[];
  layout: Record<string, unknown> & { width: number; height: number };
}

export const COLUMN_INCHES = 3.3;
export const COLUMN_PIXELS = 480;

export const INK = '#222222';
export const MUTED = '#6b6b6b';
export const GRID = '#e3e3e3';
export const BLUE = '#0072B2';
export const VERMILLION = '#D55E00';
export const GREEN = '#009E73';
export const PURPLE = '#CC79A7';

export const FONT = { family: 'Helvetica, Arial, "Liberation Sans", sans-serif', size: 15, color: INK };
export const SMALL = { ...FONT, size: 13 };

/** A figure's layout: everything the theme decides, then what the figure adds. */
export function layout(height: number, rest: Record<string, unknown>): Figure['layout'] {
  return {
    width: COLUMN_PIXELS,
    height,
    font: FONT,
    paper_bgcolor: 'white',
    plot_bgcolor: 'white',
    showlegend: false,
    hoverlabel: { font: SMALL },
    ...rest,
  };
}

/** An axis with a light grid and no frame. */
export function axis(rest: Record<string, unknown>): Record<string, unknown> {
  return {
    showline: false,
    zeroline: false,
    gridcolor: GRID,
    gridwidth: 1,
    tickfont: SMALL,
    fixedrange: true,
    automargin: false,
    ...rest,
  };
}

/** Plotly's name of the i-th of its axes: `x`, `x2`, … and `xaxis`, `xaxis2`, …. */
export const nth = (name: 'x' | 'y' | 'xaxis' | 'yaxis', i: number): string => (i === 0 ? name : `${name}${i + 1}`);

/** Text at a place in a panel (`xref`, `yref` as plotly names them). */
export function label(text: string, at: Record<string, unknown>): Record<string, unknown> {
  return { text, showarrow: false, font: SMALL, ...at };
}
