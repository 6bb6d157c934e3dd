/** A legend under a figure: labels at the ends of lines would collide where lines end together. */
import { SMALL } from './theme.js';

/** Pixels of a line, and the characters of entries of which two fit in one. */
const LINE = 22, SHORT = 20;

/** Pixels that it takes at the bottom. */
export function legendHeight(names: readonly string[]): number {
  return 6 + LINE * Math.ceil(names.length / (names.every(({ length }) => length <= SHORT) ? 2 : 1));
}

/** The parts of a layout. What it explains cannot be switched off by a click: a figure should stay what the table says. */
export const legendBelow = {
  showlegend: true,
  legend: {
    orientation: 'h', font: SMALL, x: 0.5, xanchor: 'center', xref: 'container', y: 0, yanchor: 'bottom', yref: 'container',
    itemclick: false, itemdoubleclick: false,
  },
} as const;
