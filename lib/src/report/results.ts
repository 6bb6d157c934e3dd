/** Writes a profile's results folder: the table as Markdown, CSV and LaTeX, the figure in every format. */
import { join } from 'node:path';
import type { Prediction } from '../eval/types.js';
import { writeFileAtomic } from '../store/atomic.js';
import { exportFigure } from './export.js';
import { mainResult } from './figures/main-result.js';
import { mainTable } from './main-table.js';
import { readPublished } from './published.js';
import { toCsv, toLatex, toMarkdown } from './render.js';
import { summarise } from './summary.js';

/** @returns the table as Markdown, the files written, and why any were not. */
export async function writeResults(predictions: readonly Prediction[], folder: string): Promise<{ table: string; files: string[]; skipped: string[] }> {
  const summary = summarise(predictions);
  const table = mainTable(summary, readPublished());
  const markdown = toMarkdown(table);
  const files = [
    { path: join(folder, 'tables', 'main.md'), text: markdown },
    { path: join(folder, 'tables', 'main.csv'), text: toCsv(table) },
    { path: join(folder, 'tables', 'main.tex'), text: toLatex(table) },
  ];
  for (const { path, text } of files) writeFileAtomic(path, text);
  const exported = await exportFigure(mainResult(summary), join(folder, 'figures', 'main-result'));
  return {
    table: markdown, files: [...files.map((f) => f.path), ...exported.files], skipped: exported.skipped ? [exported.skipped] : [],
  };
}
