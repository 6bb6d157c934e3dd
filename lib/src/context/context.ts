/**
 * Repository context in the prompt: the other way, beside an adapter, to tell a model about a repository (paper §4.1).
 *
 *     prompt = context + separator + prefix, cut on the left to the room there is
 *
 * A method prepares a snapshot once; what it prepared then answers each task. Blocks stand with the best one last, next
 * to the prefix, so that a cut prompt loses the least useful ones first.
 */
import type { Repository, Task } from '../data/types.js';

/** All that a context may be made from. A task's target and its place in the file are not among it. */
export type Question = Pick<Task, 'file' | 'prefix'>;

/** How often something was left out, by reason. */
export type LeftOut = Partial<Record<Reason, number>>;

export type Reason =
  /** Files that cannot be read as UTF-8, or are too large to be parsed. */
  | 'not_utf8' | 'too_large'
  /** Files behind a method's limit of files or chunks, none or not all of whose text is in reach. */
  | 'over_limit'
  /** Blocks for which a context's budget had no room, and blocks that are there in part only. */
  | 'over_budget' | 'shortened'
  /** Used names that are imported from a test file, and such that the repository should define but nowhere does. */
  | 'test_file' | 'unresolved'
  /** Texts that were longer than the room before a prompt all the same, and lost their beginning. */
  | 'cut';

export interface ContextMethod {
  /** Reads a snapshot: the one that the tasks to come were cut from. The parser must be open (`await openParser()`). */
  prepare(repo: Repository): Contexts;
}

export interface Contexts {
  /** Blocks of the repository's text without the separator behind them; empty when nothing was found. Never throws. */
  contextFor(question: Question): string;
  /** Counts so far: of files since `prepare`, of blocks and names over all contexts made. */
  readonly leftOut: Readonly<LeftOut>;
}

/** Between two blocks, and between the last one and the prefix: two blank lines. */
export const SEPARATOR = '\n\n\n';

/** The prompt of a task, still to be cut on the left. */
export function withContext(context: string, prefix: string): string {
  return context ? context + SEPARATOR + prefix : prefix;
}

/** A block says where its text is from. */
export function block(path: string, text: string): string {
  return `${header(path)}${text}`;
}

/** The comment on top of a block; a line break in a path would end it. */
export function header(path: string): string {
  return `# ${path.replace(/[\r\n]+/g, ' ')}\n`;
}

export function leaveOut(counts: LeftOut, reason: Reason, times = 1): void {
  if (times) counts[reason] = (counts[reason] ?? 0) + times;
}

export function sumOf(counts: readonly LeftOut[]): LeftOut {
  const sum: LeftOut = {};
  for (const count of counts) for (const [reason, times] of Object.entries(count)) leaveOut(sum, reason as Reason, times);
  return sum;
}
