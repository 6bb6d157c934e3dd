/** A legend under a figure, two entries a line: lines would have to be told apart at their ends, and often end together. */
import { SMALL } from './theme.js';

const LINE = 22;

/** Pixels that it takes at the bottom. */
export const legendHeight = (entries: number): number => 6 + LINE * Math.ceil(entries / 2);

/** The parts of a layout; what it explains cannot be switched off by a click, as the figure could then not be read. */
export const legendBelow = {
  showlegend: true,
  legend: {
    orientation: 'h', font: SMALL, entrywidth: 108, x: 0.5, xanchor: 'center', xref: 'container', y: 0, yanchor: 'bottom', yref: 'container',
    itemclick: false, itemdoubleclick: false,
  },
} as const;
