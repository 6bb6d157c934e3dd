/** What a method costs (Table 12): what it trains and stores, how long it takes, how much longer it makes a prompt. */
import { mean, median } from '../../eval/average.js';
import { passesKept, type RunRecord } from '../../lab/run.js';
import { isCode2Lora, methodLines, publishedName, TRACKS, tracks } from '../labels.js';
import type { PublishedCost, PublishedResults } from '../published.js';
import { type ReportTable, type Row, type Section, similarity, whole } from '../table.js';

/** Trained values are stored as 32-bit floats. */
const BYTES = 4;

/** A run's costs; records of earlier versions lack the last three. */
export type Costs = Pick<RunRecord, 'track' | 'method' | 'trainedParameters' | 'trainSeconds' | 'evaluateSeconds' | 'predictions' | 'device' | 'learning' | 'bestStep' | 'losses'> & {
  /** Bytes of one repository's adapter. */
  adapterBytes?: number;
  /** Tokens before the prompt, mean over tasks. */
  addedTokens?: number;
  /** Over its training tasks. */
  passes?: number;
};

/** Means over the runs of a method; medians of times, since one busy hour would move a mean. */
export function efficiencyTable(runs: readonly Costs[], { table12 }: PublishedResults): ReportTable {
  const sections = tracks.map((track): Section => ({
    title: TRACKS[track],
    rows: methodLines(runs.filter((run) => run.track === track)).map(({ method, label, items }): Row => {
      const over = (average: (values: number[]) => number, of: (run: Costs) => number | undefined): number | undefined => {
        const known = items.flatMap((run) => of(run) ?? []);
        return known.length ? average(known) : undefined;
      };
      const paper = table12.rows.find((row) => row.method === publishedName(method));
      return {
        label, kind: isCode2Lora(method) ? 'main' : 'method', ids: { track, method },
        values: {
          trained_parameters: over(mean, (run) => run.trainedParameters),
          trained_bytes: over(mean, (run) => BYTES * run.trainedParameters),
          adapter_bytes: over(mean, (run) => run.adapterBytes),
          passes: over(mean, (run) => run.passes),
          passes_kept: over(mean, passesKept),
          training_seconds: over(median, (run) => run.trainSeconds),
          seconds_per_answer: over(median, (run) => (run.predictions ? run.evaluateSeconds / run.predictions : undefined)),
          added_tokens: over(mean, (run) => run.addedTokens),
          paper_added_tokens: paper && tokens(paper),
          paper_storage: paper && storage(paper),
        },
      };
    }),
  }));
  return {
    head: 'Method', ids: ['track', 'method'],
    groups: [
      {
        label: 'Here',
        columns: [
          { key: 'trained_parameters', label: 'Trained parameters', format: whole },
          { key: 'trained_bytes', label: 'Stored (kB)', format: kilobytes },
          { key: 'adapter_bytes', label: 'One adapter (kB)', format: kilobytes },
          { key: 'passes', label: 'Passes', format: passes },
          { key: 'passes_kept', label: 'Kept after', format: passes },
          { key: 'training_seconds', label: 'Training (s)', format: (value) => value.toFixed(1) },
          { key: 'seconds_per_answer', label: 'Answer (s)', format: similarity },
          { key: 'added_tokens', label: 'Added tokens', format: whole },
        ],
      },
      {
        label: 'Paper',
        columns: [{ key: 'paper_added_tokens', label: 'Added tokens', paper: true }, { key: 'paper_storage', label: 'Storage', paper: true }],
      },
    ],
    sections: sections.filter(({ rows }) => rows.length > 0), findings: [],
    note: 'Means over seeds, medians of times. Passes say how often a method has met each of its training tasks, on average, by its last step, and by the one that validation kept. Stored is what training leaves, as 32-bit floats, for all repositories together; one adapter is what one repository needs, for which the '
      + 'paper\'s head writes one pair of factors a type for all layers, and ours that pair beside the adapter that all share; as a PEFT file these become one adapter of twice the rank in every layer, which is larger. '
      + `Times were measured on ${[...new Set(runs.map(({ device }) => device))].join(' and ')}, beside what else it did at the time, so that small differences say nothing. An answer's includes writing the adapter, or finding the text. `
      + 'The paper\'s are of Qwen2.5-Coder-1.5B; what it gives for Code2LoRA-Static is the number of parameters in millions.',
  };
}

const passes = (value: number): string => value.toFixed(2);
const kilobytes = (bytes: number): string => (bytes / 1000).toLocaleString('en', { maximumFractionDigits: 1 });

function tokens({ extra_tokens, approx }: PublishedCost): string {
  return `${approx && extra_tokens !== 0 ? '≈ ' : ''}${[extra_tokens].flat().map(whole).join('–')}`;
}

function storage({ extra_storage_MB: once, extra_storage_MB_per_repo: each }: PublishedCost): string | undefined {
  if (once !== undefined) return `${whole(once)} MB`;
  return each === undefined ? undefined : `${whole(each)} MB a repository`;
}
