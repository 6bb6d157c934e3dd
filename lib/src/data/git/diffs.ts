/**
 * Unified diffs of production code between two trees, through one `git diff-tree` a repository (paper §2.4): .py, .md
 * and .rst, three lines of context, nothing whose path contains "test". Files over 2 MB count as binary.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { SKIPPED_FOLDERS } from '../tests-files.js';
import { startGit } from './git.js';
import { PieceReader } from './piece-reader.js';

/** A diff longer than this ends after the last file that fits, in characters. */
export const MAX_DIFF_CHARACTERS = 4_000_000;

const PATHS = ['*.py', '*.md', '*.rst', ':(exclude,icase)*test*',
  ...[...SKIPPED_FOLDERS].flatMap((folder) => [`:(exclude)${folder}/*`, `:(exclude)*/${folder}/*`])];

export interface ProductionDiff {
  text: string;
  /** Files left out because the diff was full. */
  omitted: number;
}

export class DiffReader {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reader: PieceReader;

  /** Call `close` when done. */
  constructor(gitDir: string) {
    this.#child = startGit(gitDir, ['diff-tree', '--stdin', '-p', '-U3', '-r', '-M', '--no-ext-diff', '--no-textconv', '--no-color',
      '--src-prefix=a/', '--dst-prefix=b/', '--', ...PATHS], { settings: ['core.bigFileThreshold=2m'], objectsAlone: true });
    this.#reader = new PieceReader(this.#child, gitDir, 'diff-tree');
  }

  /**
   * @param from the tree before, or undefined for the empty tree
   * @param isTest whether a path is or was a test by its content: its part is left out
   */
  async between(from: string | undefined, to: string, isTest: (path: string) => boolean): Promise<ProductionDiff> {
    // A line that is no object id comes back as it is: it marks the end, which no line of a diff can look like.
    this.#child.stdin.write(`${from ?? emptyTree(to)} ${to}\nend\n`);
    const parts: string[] = [];
    let length = 0, omitted = 0;
    let part: string[] = [], keep = false, partLength = 0;
    const finish = (): void => {
      if (!keep) return;
      if (length + partLength > MAX_DIFF_CHARACTERS) omitted++;
      else {
        parts.push(`${part.join('\n')}\n`);
        length += partLength;
      }
    };
    for (;;) {
      const bytes = await this.#reader.until(0x0a);
      if (bytes === undefined) throw this.#reader.stopped();
      const line = bytes.toString('utf8');
      if (line === 'end') break;
      if (line.startsWith('diff --git ')) {
        finish();
        keep = !pathsOf(line.slice('diff --git '.length)).some(isTest);
        part = [];
        partLength = 0;
      } else if (part.length === 0) continue; // the line that names the two trees
      else if (/^rename (?:from|to) /.test(line)) keep &&= !isTest(unquoted(line.replace(/^rename \w+ /, '')));
      if (partLength <= MAX_DIFF_CHARACTERS) part.push(line);
      partLength += line.length + 1;
    }
    finish();
    return { text: parts.join(''), omitted };
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

/** The path in the header of a diff, which names it twice; none for a rename, whose paths have lines of their own. */
function pathsOf(header: string): string[] {
  const middle = (header.length - 1) / 2;
  const [from, to] = [header.slice(0, middle), header.slice(middle + 1)].map((name) => unquoted(name).slice(2)) as [string, string];
  return from === to ? [to] : [];
}

/** git quotes names with `"`, `\` and control characters; of these only `"` may be in a path that is read. */
function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replace(/\\"/g, '"') : name;
}

/** git knows the empty tree in every repository; its id depends on the hash, SHA-1 or SHA-256. */
function emptyTree(like: string): string {
  return like.length === 40
    ? '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
    : '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321';
}
