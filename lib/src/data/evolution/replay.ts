/**
 * Replays a repository's first-parent history (paper §2.4): which assertions did each commit add or change?
 *
 * Of every test file only the keys of its assertions are remembered, so memory follows the size of the repository, not
 * the length of its history. Renames carry the keys along, deletions drop them.
 */
import { type Candidate, candidatesOf } from '../candidates.js';
import { plainPath } from '../file-names.js';
import { BlobReader } from '../git/blobs.js';
import { DiffReader } from '../git/diffs.js';
import { type Change, firstParentLog, type LogEntry } from '../git/log.js';
import { PythonSource } from '../python.js';
import { isSkipped, isTestFile } from '../tests-files.js';
import type { Commit, History } from '../types.js';
import { type Identity, identify } from './identity.js';

export interface ReplayOptions {
  identity: Identity;
  /** The history ends before the first commit at or after this time, in seconds since 1970; Infinity for all of it. */
  cutoff: number;
}

/** A commit that added or changed assertions, with the new ones in the order of files and lines. */
export interface KeptCommit extends Pick<Commit, 'id' | 'time' | 'diff' | 'added' | 'modified'> {
  seconds: number;
  items: { candidate: Candidate; event: 'added' | 'modified' }[];
}

/** What was read and what was left out, filled in as the history goes by. */
export interface ReplayCounts {
  commits: number;
  /** New assertions that give no task, by reason: each once, when it first appears. */
  drops: Record<string, number>;
  /** Versions of files that could not be read, by reason. */
  unread: Record<string, number>;
  /** 1 when commits at or after the cut-off were left away. */
  cutOff: number;
  /** Files that diffs had no room for. */
  diffFilesOmitted: number;
}

export function newCounts(): ReplayCounts {
  return { commits: 0, drops: {}, unread: {}, cutOff: 0, diffFilesOmitted: 0 };
}

/** Of one test file: the key of each assertion and the function it is in. */
type FileState = Map<string, string>;

/** The parser must be open. @throws UserError when the repository is corrupt. */
export async function* replay({ gitDir, head }: Pick<History, 'gitDir' | 'head'>, options: ReplayOptions, counts: ReplayCounts): AsyncGenerator<KeptCommit> {
  const blobs = new BlobReader(gitDir), diffs = new DiffReader(gitDir);
  const files = new Map<string, FileState>();
  /** Paths that were a test at some time since the last kept commit: a diff may not show what they held. */
  const were = new Set<string>();
  let keptTree: string | undefined;
  try {
    for await (const entry of firstParentLog(gitDir, head)) {
      if (entry.time >= options.cutoff) {
        counts.cutOff = 1;
        return;
      }
      counts.commits++;
      const items = await newAssertions(entry, files, were, blobs, options.identity, counts);
      if (items.length === 0) continue;
      const diff = await diffs.between(keptTree, entry.tree, (path) => files.has(path) || were.has(path));
      were.clear();
      keptTree = entry.tree;
      counts.diffFilesOmitted += diff.omitted;
      const modified = items.filter(({ event }) => event === 'modified').length;
      yield {
        id: entry.id, time: new Date(entry.time * 1000).toISOString().replace('.000Z', 'Z'), seconds: entry.time,
        diff: diff.text, added: items.length - modified, modified, items,
      };
    }
  } finally {
    blobs.close();
    diffs.close();
  }
}

/** Brings `files` to the state after the commit and returns the assertions that were not there before it. */
async function newAssertions(
  entry: LogEntry, files: Map<string, FileState>, were: Set<string>, blobs: BlobReader, identity: Identity, counts: ReplayCounts,
): Promise<KeptCommit['items']> {
  const unread = (reason: string): void => { counts.unread[reason] = (counts.unread[reason] ?? 0) + 1; };
  const before = new Map<string, FileState>();
  // First all files that go or move, then those that come: a commit can swap two names.
  for (const change of entry.changes) {
    const old = change.kind === 'renamed' ? change.from! : change.path;
    const state = files.get(old);
    if (state && change.kind !== 'deleted') before.set(change.path, state);
    if (files.delete(old)) were.add(old);
  }
  const read: Change[] = [];
  for (const change of entry.changes) {
    if (change.kind === 'deleted' || !change.path.endsWith('.py') || isSkipped(change.path)) continue;
    const plain = plainPath(change.path);
    if (!change.isFile) unread('link or submodule');
    else if ('fault' in plain) unread(plain.fault);
    else read.push(change);
  }
  read.sort((a, b) => (a.path < b.path ? -1 : 1));
  const contents = await blobs.read(read.map((change) => change.blob));
  return read.flatMap(({ path }, i) => {
    const bytes = contents[i]!;
    const source = typeof bytes === 'string' ? null : PythonSource.decode(bytes);
    const old = before.get(path);
    if (!source) {
      unread(typeof bytes === 'string' ? bytes : 'not UTF-8');
      // What it held is still remembered: the next version that can be read is compared with it.
      if (old) files.set(path, old);
      else if (typeof bytes !== 'string' && isTestFile(path, Buffer.from(bytes).toString('latin1'))) files.set(path, new Map());
      return [];
    }
    if (!isTestFile(path, source.text)) return [];
    const assertions = candidatesOf(path, source, true);
    const keys = identify(assertions, source, identity);
    const state: FileState = new Map(keys.map((key, k) => [key, assertions[k]!.testFunction]));
    files.set(path, state);
    return compare(old ?? new Map(), state, assertions.map((item, k) => ({ item, key: keys[k]! })), counts);
  });
}

/** The new among `assertions`. In a function that also lost some, as many count as modified, the first ones. */
function compare(
  old: FileState, now: FileState, assertions: { item: ReturnType<typeof candidatesOf>[number]; key: string }[], counts: ReplayCounts,
): KeptCommit['items'] {
  const lost = new Map<string, number>();
  for (const [key, testFunction] of old) if (!now.has(key)) lost.set(testFunction, (lost.get(testFunction) ?? 0) + 1);
  const items: KeptCommit['items'] = [];
  const seen = new Set<string>();
  for (const { item, key } of assertions) {
    if (old.has(key) || seen.has(key)) continue;
    seen.add(key);
    if ('reason' in item) {
      counts.drops[item.reason] = (counts.drops[item.reason] ?? 0) + 1;
      continue;
    }
    const left = lost.get(item.testFunction) ?? 0;
    if (left > 0) lost.set(item.testFunction, left - 1);
    items.push({ candidate: item, event: left > 0 ? 'modified' : 'added' });
  }
  return items;
}
