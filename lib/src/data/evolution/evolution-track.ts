/**
 * The evolution track of RepoPeftBench (paper §2.4): the tasks of every commit that adds or changes assertions, with the
 * diff of production code since the commit kept before it.
 *
 * Which part of the history a commit belongs to is known only at its end, so the kept commits lie in a file in between.
 */
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { taskFields } from '../candidates.js';
import type { LeakageOptions } from '../leakage.js';
import type { PrefixForm } from '../prefix.js';
import { openParser } from '../python.js';
import { chronologicalSplits } from '../splits.js';
import type { Commit, History, Task } from '../types.js';
import { capped, type Caps, isShort } from './caps.js';
import { replay, type KeptCommit, type ReplayCounts, type ReplayOptions } from './replay.js';

export interface EvolutionOptions extends ReplayOptions, Caps, LeakageOptions {
  prefix: PrefixForm;
  /** Short targets stay in training: those of synthetic repositories are short on purpose. */
  keepShort?: boolean;
}

type Fields = Omit<Task, 'split' | 'inRepoSplit' | 'commitIndex'>;

/** A kept commit as it lies in the file: the tasks it gives in training, and elsewhere; null stands for the same. */
interface Stored {
  commit: Omit<Commit, 'split' | 'inRepoSplit' | 'index'>;
  items: number;
  short: number;
  train: Fields[];
  evaluation: Fields[] | null;
}

/**
 * Yields each kept commit with its tasks, oldest first.
 * @param spool a file to use in between; removed at the end
 * @param counts filled in as the history goes by; complete when the last commit has been yielded
 * @throws UserError when the repository cannot be read
 */
export async function* curateHistory(
  history: History, options: EvolutionOptions, spool: string, counts: ReplayCounts,
): AsyncGenerator<{ commit: Commit; tasks: Task[] }> {
  await openParser();
  try {
    const seconds = await store(history, options, spool, counts);
    const parts = chronologicalSplits(seconds, history.split);
    let index = 0;
    for await (const line of createInterface({ input: createReadStream(spool), crlfDelay: Number.POSITIVE_INFINITY })) {
      const { commit, items, short, train, evaluation } = JSON.parse(line) as Stored;
      const inRepoSplit = parts[index];
      const place = { split: history.split, commitIndex: index++ };
      const drop = (reason: string, n: number): void => { if (n > 0) counts.drops[reason] = (counts.drops[reason] ?? 0) + n; };
      if (inRepoSplit === undefined) {
        drop('clock_before_training', items);
        continue;
      }
      const training = inRepoSplit === 'train' && history.split === 'train';
      const fields = training ? train : (evaluation ?? train);
      drop('short_target', training ? short : 0);
      drop('cap_commit', items - (training ? short : 0) - fields.length);
      yield {
        commit: { ...commit, split: place.split, inRepoSplit, index: place.commitIndex },
        tasks: fields.map((task) => ({ ...task, ...place, inRepoSplit })),
      };
    }
  } finally {
    rmSync(spool, { force: true });
  }
}

/** Writes the kept commits to the file, one a line, and returns their times. */
async function store(history: History, options: EvolutionOptions, spool: string, counts: ReplayCounts): Promise<number[]> {
  const seconds: number[] = [];
  const file = openSync(spool, 'w');
  try {
    for await (const kept of replay(history, options, counts)) {
      writeSync(file, `${oneLine(toStored(history.id, kept, options))}\n`);
      seconds.push(kept.seconds);
    }
  } finally {
    closeSync(file);
  }
  return seconds;
}

/** JSON in which nothing but its end ends a line, as Node from 24 on reads lines. */
const oneLine = (stored: Stored): string => JSON.stringify(stored).replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);

function toStored(repo: string, { id, time, diff, added, modified, items }: KeptCommit, options: EvolutionOptions): Stored {
  const fields = ({ candidate, event }: KeptCommit['items'][number]): Fields => {
    const own = taskFields(candidate, options.prefix);
    return { id: `${repo}@${id.slice(0, 12)}:${own.file}:${own.byteStart}:${own.byteEnd}`, repo, commit: id, event, ...own };
  };
  const long = options.keepShort ? items : items.filter(({ candidate }) => !isShort(candidate.target));
  const train = capped(long, options), evaluation = capped(items, options);
  const same = train.length === evaluation.length && train.every((item, i) => item === evaluation[i]);
  return {
    commit: { repo, id, time, diff, added, modified },
    items: items.length, short: items.length - long.length,
    train: train.map(fields), evaluation: same ? null : evaluation.map(fields),
  };
}
