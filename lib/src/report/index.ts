/** Results as tables and figures: what a notebook imports from here. */
export { findChromium, launchChromium } from './chromium.js';
export { type Exported, type ExportItem, exportFigure, exportFigures } from './export.js';
export { assertionFamilies, targetKinds, tasksPerRepository } from './figures/corpus.js';
export { type LossPoint, lossCurve } from './figures/loss-curve.js';
export { mainResult } from './figures/main-result.js';
export type { Figure } from './figures/theme.js';
export { type MainTable, mainTable } from './main-table.js';
export { notebookProgress, showFigure, showTable } from './notebook.js';
export { type PublishedTable, readPublished } from './published.js';
export { toCsv, toHtml, toLatex, toMarkdown } from './render.js';
export { type SummaryRow, summarise } from './summary.js';
