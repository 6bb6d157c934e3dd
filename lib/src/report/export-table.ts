/** A table as files for a paper: Markdown, CSV and LaTeX. */
import { writeFileAtomic } from '../store/atomic.js';
import { toCsv } from './formats/csv.js';
import { toLatex } from './formats/latex.js';
import { toMarkdown } from './formats/markdown.js';
import type { ReportTable } from './table.js';

const RENDER = { md: toMarkdown, csv: toCsv, tex: toLatex };
export const TABLE_FORMATS = Object.keys(RENDER);

/** @param basePath without extension: `results/mini/tables/ablation`. @returns the files that were written */
export function exportTable(table: ReportTable, basePath: string): string[] {
  return Object.entries(RENDER).map(([extension, render]) => {
    const path = `${basePath}.${extension}`;
    writeFileAtomic(path, render(table));
    return path;
  });
}
