/** Tables 2 (static track), 3 (evolution track) and 4 (OOD) in the paper's layout, with the controls and the paper's EM. */
import type { Track } from '../../methods/index.js';
import { isCode2Lora, type Line, lines, publishedName, rowKind, SUITES, suites, TRACKS, tracks } from '../labels.js';
import type { PublishedResults } from '../published.js';
import type { SummaryRow } from '../summary.js';
import { type Group, percent, type ReportTable, type Row, similarity, type Value } from '../table.js';

/** One track's scores on CR and IR beside those of Table 2 or 3. */
export function trackTable(summary: readonly SummaryRow[], track: Track, published: PublishedResults): ReportTable {
  const { rows: paper } = track === 'static' ? published.table2 : published.table3;
  const rows = summary.filter((row) => row.track === track && row.suite !== 'OOD');
  return table(rows, suites.filter((suite) => suite !== 'OOD').map((suite) => ({
    key: suite, label: SUITES[suite], has: (row) => row.suite === suite,
    paper: (name) => paper.find(({ method }) => method === name)?.[suite as 'CR' | 'IR']?.EM,
  })));
}

/** Scores on repositories younger than all data; Table 4 is of the evolution track. Undefined where nothing was run on them. */
export function oodTable(summary: readonly SummaryRow[], published: PublishedResults): ReportTable | undefined {
  const rows = summary.filter(({ suite }) => suite === 'OOD');
  if (rows.length === 0) return undefined;
  return table(rows, tracks.filter((track) => rows.some((row) => row.track === track)).map((track) => ({
    key: track, label: TRACKS[track], has: (row) => row.track === track,
    paper: (name) => (track === 'evolution' ? published.table4.rows.find(({ method }) => method === name)?.EM : undefined),
  })));
}

/** One block of columns: which rows it shows, and the paper's EM in percent. */
interface Block {
  key: string;
  label: string;
  has(row: SummaryRow): boolean;
  paper(method: string | undefined): number | undefined;
}

function table(rows: readonly SummaryRow[], blocks: readonly Block[]): ReportTable {
  return {
    head: 'Method', ids: ['method', 'adapter', 'seeds'], groups: blocks.map(group),
    sections: [{ title: '', rows: lines(rows).map((line) => toRow(line, blocks)) }],
    findings: [], note: note(rows, blocks),
  };
}

/** The paper's EM stands beside the score that it can be compared with: it is relaxed. */
function group({ key, label }: Block): Group {
  return {
    label,
    columns: [
      { key: `${key}_strict_EM`, label: 'Strict EM', format: percent, interval: 'half-width' },
      { key: `${key}_relaxed_EM`, label: 'Relaxed EM', format: percent, interval: 'half-width' },
      { key: `${key}_paper_relaxed_EM`, label: 'Paper, relaxed', format: percent, paper: true },
      { key: `${key}_edit_similarity`, label: 'EditSim', format: similarity, interval: 'half-width' },
      { key: `${key}_codebleu`, label: 'CodeBLEU', format: similarity, interval: 'half-width' },
      { key: `${key}_tasks`, label: 'Tasks', csvOnly: true },
      { key: `${key}_repositories`, label: 'Repositories', csvOnly: true },
    ],
  };
}

function toRow(line: Line<SummaryRow>, blocks: readonly Block[]): Row {
  const { method, adapter, label, control, items } = line;
  const values: Record<string, Value> = {};
  for (const { key, has, paper } of blocks) {
    const scores = items.find(has);
    const paperEM = control ? undefined : paper(publishedName(method));
    Object.assign(values, {
      [`${key}_strict_EM`]: scores?.strictEM, [`${key}_relaxed_EM`]: scores?.relaxedEM,
      [`${key}_paper_relaxed_EM`]: paperEM === undefined ? undefined : paperEM / 100,
      [`${key}_edit_similarity`]: scores?.editSimilarity, [`${key}_codebleu`]: scores?.codeBleu,
      [`${key}_tasks`]: scores?.strictEM.tasks, [`${key}_repositories`]: scores?.strictEM.repositories,
    } satisfies Record<string, Value>);
  }
  const seeds = Math.max(...items.map((item) => item.seeds));
  return { label, kind: rowKind(line), ids: { method, adapter, seeds }, values };
}

function note(rows: readonly SummaryRow[], blocks: readonly Block[]): string {
  if (rows.length === 0) return 'No run is stored.';
  const seeds = range(rows.map((row) => row.seeds));
  const sizes = blocks.flatMap(({ key, has }) => {
    const scores = rows.filter(has).map(({ strictEM }) => strictEM);
    return scores.length ? [`${key}: ${range(scores.map(({ tasks }) => tasks))} tasks of ${range(scores.map(({ repositories }) => repositories))} repositories.`] : [];
  });
  return [
    'Exact match (EM) in %, EditSim and CodeBLEU in [0, 1].',
    seeds === '1'
      ? '± is half the 95% bootstrap interval, over repositories; one training seed, so it does not tell how much another would change.'
      : `± is half the 95% bootstrap interval, over repositories and training seeds (${seeds} a method).`,
    ...sizes,
    ...(rows.some(({ method }) => isCode2Lora(method)) ? ['Code2LoRA has the head that the profile names; "paper\'s head" is the published one.'] : []),
    'The paper\'s EM is relaxed, of Qwen2.5-Coder-1.5B on the paper\'s own tasks: compare it with relaxed EM only, and differences between methods rather than levels.',
  ].join(' ');
}

/** `36`, or `1 to 3` where they differ. */
function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toLocaleString('en'));
  return low === high ? low! : `${low} to ${high}`;
}

