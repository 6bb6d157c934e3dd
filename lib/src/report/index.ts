/** Results as tables and figures: what a notebook imports from here. */
export { findChromium, launchChromium } from './chromium.js';
export { compositionTable } from './dataset/composition.js';
export { countSplits, type SplitCount } from './dataset/counts.js';
export { lengthTable, tokenLengths } from './dataset/lengths.js';
export { detailedSplitTable, splitTable, type TrackCounts } from './dataset/split-tables.js';
export { type Exported, type ExportItem, exportFigure, exportFigures } from './export.js';
export { commitTimes } from './figures/commit-times.js';
export { assertionFamilies, targetKinds, tasksPerRepository } from './figures/corpus.js';
export { type LossPoint, lossCurve } from './figures/loss-curve.js';
export { mainResult } from './figures/main-result.js';
export type { Figure } from './figures/theme.js';
export { type MainTable, mainTable } from './main-table.js';
export { notebookProgress, showFigure, showTable } from './notebook.js';
export { type PublishedDataset, type PublishedTable, readPublished, readPublishedDataset } from './published.js';
export { toCsv, toHtml, toLatex, toMarkdown } from './render.js';
export { type SummaryRow, summarise } from './summary.js';
