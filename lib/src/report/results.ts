/** Writes results: every table as Markdown, CSV and LaTeX, every figure in every format. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../lab/run.js';
import type { Studies } from '../lab/run-store.js';
import { type AblationRow, ablationRows } from './ablation/rows.js';
import { ablationTable } from './ablation/table.js';
import { conditionsTable } from './analysis/conditions.js';
import { repositoriesFigure, repositoriesTable } from './analysis/repositories.js';
import { claims, claimsTable } from './claims.js';
import { countErrors } from './errors.js';
import { type ExportItem, exportFigures } from './export.js';
import { exportTable, TABLE_FORMATS } from './export-table.js';
import { alongFigure } from './figures/along.js';
import { errorFigure } from './figures/errors.js';
import { headroomFigure } from './figures/headroom.js';
import { mainResult, oodResult } from './figures/main-result.js';
import { ownVsOtherFigure } from './figures/own-vs-other.js';
import { perRepositoryFigure } from './figures/per-repository.js';
import type { Figure } from './figures/theme.js';
import { toMarkdown } from './formats/markdown.js';
import { HEADROOM_WRITER, headroomOf } from './headroom.js';
import { methodLabel, tracks } from './labels.js';
import { ownVsOther } from './own-vs-other.js';
import { readPublished } from './published.js';
import { repositoriesRows } from './studies.js';
import { summarise } from './summary.js';
import type { ReportTable } from './table.js';
import { efficiencyTable } from './tables/efficiency.js';
import { errorTable } from './tables/errors.js';
import { headroomByRepositoryTable, headroomTable } from './tables/headroom.js';
import { ownVsOtherTable } from './tables/own-vs-other.js';
import { perRepositoryTable } from './tables/per-repository.js';
import { oodTable, trackTable } from './tables/scores.js';

export interface Written {
  /** Tables 2 to 4 and the verdicts, as Markdown. */
  text: string;
  files: string[];
  /** What was left out, and why. */
  skipped: string[];
}

/** Tables and figures of all runs together. Those that have no row are not written, and removed where an earlier call left them. */
export async function writeResults(runs: readonly Run[], studies: Studies, folder: string): Promise<Written> {
  const predictions = runs.flatMap((run) => run.predictions), likelihoods = runs.flatMap((run) => run.likelihoods);
  const published = readPublished();
  const summary = summarise(predictions);
  const comparisons = ownVsOther(predictions, likelihoods);
  const errors = await countErrors(predictions);
  const towin = headroomOf(studies.headroom);
  const [length, repositories] = [ablationRows(studies.length), repositoriesRows(studies.repositories)];

  const tables = {
    'table2-static': trackTable(summary, 'static', published),
    'table3-evolution': trackTable(summary, 'evolution', published),
    'table4-ood': oodTable(summary, published),
    'own-vs-other': ownVsOtherTable(comparisons),
    'per-repository': perRepositoryTable(predictions, published, likelihoods),
    'errors': errorTable(errors, published),
    'headroom': headroomTable(towin.rows),
    'headroom-by-repository': headroomByRepositoryTable(towin.byRepository, HEADROOM_WRITER),
    'passes': isSeveral(length) ? ablationTable(length, 'Passes') : undefined,
    'repositories': isSeveral(repositories) ? repositoriesTable(repositories, published) : undefined,
    'conditions': conditionsTable(studies.conditions),
    'claims': claimsTable(claims({ predictions, likelihoods, repositories })),
    'efficiency': efficiencyTable(runs.map(({ record }) => record), published),
  };
  const files: string[] = [];
  for (const [name, table] of Object.entries(tables)) {
    const basePath = join(folder, 'tables', name);
    if (!isEmpty(table)) files.push(...exportTable(table, basePath));
    else for (const extension of TABLE_FORMATS) rmSync(`${basePath}.${extension}`, { force: true });
  }

  const figures: Record<string, Figure | undefined> = {
    ...Object.fromEntries(tracks.flatMap((track) => [
      [`main-${track}`, mainResult(summary, track)],
      [`per-repository-${track}`, perRepositoryFigure(predictions, track)],
      [`errors-${track}`, errorFigure(errors, track)],
    ])),
    'main-ood': oodResult(summary),
    'own-vs-other': ownVsOtherFigure(comparisons),
    'headroom': headroomFigure(towin.byRepository, methodLabel(HEADROOM_WRITER)),
    'passes': isSeveral(length) ? alongFigure(length, 'Passes over the training tasks') : undefined,
    'repositories': isSeveral(repositories) ? repositoriesFigure(repositories, published) : undefined,
    'repositories-gain': isSeveral(repositories) ? alongFigure(repositories.filter(({ suite }) => suite === 'CR'), 'Training repositories') : undefined,
  };
  const items: ExportItem[] = [];
  for (const [name, figure] of Object.entries(figures)) {
    const basePath = join(folder, 'figures', name);
    if (figure?.data.length) items.push({ figure, basePath });
    else for (const extension of ['json', 'svg', 'png', 'pdf']) rmSync(`${basePath}.${extension}`, { force: true });
  }
  const exported = await exportFigures(items);

  const { 'table2-static': two, 'table3-evolution': three, 'table4-ood': four, 'own-vs-other': own } = tables;
  const headlines = Object.entries({ 'Static track (Table 2)': two, 'Evolution track (Table 3)': three, 'Out of distribution (Table 4)': four });
  return {
    text: [
      ...headlines.flatMap(([title, table]) => (isEmpty(table) ? [] : [`## ${title}\n\n${toMarkdown(table)}`])),
      ...(own.findings.length ? [`## Does the adapter depend on the repository?\n\n${own.findings.map((finding) => `- ${finding}`).join('\n')}\n`] : []),
    ].join('\n'),
    files: [...files, ...exported.files],
    skipped: exported.skipped ? [exported.skipped] : [],
  };
}

/** Of one choice alone there is nothing to compare. */
const isSeveral = (rows: readonly AblationRow[]): boolean => new Set(rows.map(({ choice }) => choice)).size > 1;
const isEmpty = (table: ReportTable | undefined): table is undefined => !table?.sections.some(({ rows }) => rows.length > 0);
