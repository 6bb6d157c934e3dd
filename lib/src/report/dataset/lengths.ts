/** How many tokens repositories, prefixes and targets have (paper, Table 7). */
import type { ColumnTable } from 'arquero';
import { sourceFiles } from '../../data/tests-files.js';
import type { Repository, Task } from '../../data/types.js';
import { quantile } from '../../eval/average.js';
import type { Tokenizer } from '../../text/tokenizer.js';
import type { PublishedDataset, PublishedLengths } from '../published.js';
import { oursAndPaper } from './ours-and-paper.js';

type Component = 'repo size' | 'prefix' | 'target';
type Rows<T> = Iterable<T> | AsyncIterable<T>;

/** Lengths in tokens: one a repository (its Python files that are not tests, which are what the encoder may read), one a task. */
export async function tokenLengths(
  tasks: Rows<Pick<Task, 'prefix' | 'target'>>, repositories: Rows<Repository>, tokenizer: Pick<Tokenizer, 'encode'>,
): Promise<Record<Component, number[]>> {
  const lengths: Record<Component, number[]> = { 'repo size': [], prefix: [], target: [] };
  const tokens = (text: string): number => tokenizer.encode(text).length;
  for await (const repository of repositories) {
    lengths['repo size'].push(sourceFiles(repository).reduce((sum, { bytes }) => sum + tokens(Buffer.from(bytes).toString('utf8')), 0));
  }
  for await (const { prefix, target } of tasks) {
    lengths.prefix.push(tokens(prefix));
    lengths.target.push(tokens(target));
  }
  return lengths;
}

/** A line a component. Those that are not curated here (dependency context) have the paper's numbers only. */
export function lengthTable(lengths: Partial<Record<string, readonly number[]>>, { table7 }: PublishedDataset): ColumnTable {
  return oursAndPaper(table7.rows.map(({ component, ...paper }) => {
    const own = lengths[component];
    return { labels: { component }, ours: own?.length ? statistics(own) : Object.fromEntries(Object.keys(paper).map((name) => [name, null])), paper };
  }));
}

/** Quantiles are interpolated linearly; the standard deviation is the sample's, null where there is but one value. */
function statistics(values: readonly number[]): Record<keyof Omit<PublishedLengths, 'component'>, number | null> {
  const sorted = Float64Array.from(values).sort();
  const mean = sorted.reduce((sum, value) => sum + value / sorted.length, 0);
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean, median: quantile(sorted, 0.5), std: sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : null,
    p75: quantile(sorted, 0.75), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99), max: sorted.at(-1)!,
  };
}
