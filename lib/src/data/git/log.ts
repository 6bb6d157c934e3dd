/** First-parent history, oldest first, with the files each commit changed against its first parent (paper §2.4). */
import { startGit } from './git.js';
import { PieceReader } from './piece-reader.js';

/** One changed file. Paths that are not UTF-8 hold U+FFFD. */
export interface Change {
  kind: 'added' | 'modified' | 'deleted' | 'renamed';
  path: string;
  /** Where a renamed file was. */
  from?: string;
  /** A plain file; links and submodules are not. */
  isFile: boolean;
  blob: string;
}

export interface LogEntry {
  id: string;
  tree: string;
  /** Committer time in seconds since 1970, at most the end of the year 9999. */
  time: number;
  changes: Change[];
}

/** A commit may bear any number as its time; later ones have no date that sorts as text. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/**
 * Streams the history up to `head`; git holds the list of commits, this process one commit.
 * @throws UserError when the repository is corrupt.
 */
export async function* firstParentLog(gitDir: string, head: string): AsyncGenerator<LogEntry> {
  const child = startGit(gitDir, ['log', '--first-parent', '--reverse', '--diff-merges=first-parent', '--raw', '-z', '--no-abbrev', '-M',
    '--format=%H %T %ct', head, '--'], { objectsAlone: true });
  const reader = new PieceReader(child, gitDir, 'log');
  child.stdin.end();
  try {
    let entry: LogEntry | undefined;
    for (let piece = await text(reader); piece !== undefined; piece = await text(reader)) {
      const raw = /^\n?:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) ([A-Z])\d*$/.exec(piece);
      if (!raw) {
        if (entry) yield entry;
        const [id, tree, time] = piece.split(' ');
        entry = { id: id!, tree: tree!, time: Math.min(Number(time), LAST_SECOND), changes: [] };
        continue;
      }
      const [, mode, blob, letter] = raw as unknown as [string, string, string, string];
      const first = (await text(reader))!;
      // With -M there are no copies: two paths are a rename.
      const second = letter === 'R' ? await text(reader) : undefined;
      const kind = letter === 'A' ? 'added' : letter === 'D' ? 'deleted' : letter === 'R' ? 'renamed' : 'modified';
      entry!.changes.push({
        kind, path: second ?? first, ...(second !== undefined && { from: first }),
        isFile: mode!.startsWith('100'), blob: blob!,
      });
    }
    if (entry) yield entry;
    await reader.ended();
  } finally {
    child.kill();
  }
}

/** The last first-parent commit before the first one at or after `cutoff`, in seconds since 1970. No file is looked at. */
export async function lastBefore(gitDir: string, head: string, cutoff: number): Promise<string | undefined> {
  const child = startGit(gitDir, ['rev-list', '--first-parent', '--reverse', '--timestamp', head, '--'], { objectsAlone: true });
  const reader = new PieceReader(child, gitDir, 'rev-list');
  child.stdin.end();
  let last: string | undefined;
  try {
    for (let line = await text(reader, 0x0a); line !== undefined; line = await text(reader, 0x0a)) {
      const [time, id] = line.split(' ');
      if (Number(time) >= cutoff) return last;
      last = id;
    }
    await reader.ended();
    return last;
  } finally {
    child.kill();
  }
}

async function text(reader: PieceReader, end = 0): Promise<string | undefined> {
  return (await reader.until(end))?.toString('utf8');
}
