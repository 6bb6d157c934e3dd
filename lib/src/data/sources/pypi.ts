/**
 * Repositories from pinned PyPI projects. A wheel that ships its own tests, or a source distribution, stands in for the
 * repository: one file a project, the same bytes on every machine. A project's earlier releases, one commit each, are its
 * history.
 */
import { join } from 'node:path';
import { UserError } from '../../store/errors.js';
import { hashJson } from '../../store/hash.js';
import type { Progress } from '../../store/progress.js';
import { type ArchiveContent, readArchive } from '../archive.js';
import { type Revision, writeHistoryOnce, writtenHead } from '../git/write-history.js';
import { type CrossRepoSplit, type History, type Repository, type Source, type SourceFile, SPLITS } from '../types.js';
import { distributionPath, fetchDistributions } from './pypi/fetch.js';
import { checkPin, type Corpus, isWheel, type Pin, type Release } from './pypi/pins.js';

export { distributionPath, fetchDistributions } from './pypi/fetch.js';
export { checkPin, type Corpus, type Pin, type Release } from './pypi/pins.js';
export { fetchFromIndex } from './pypi/from-index.js';

/** A project and its releases, which its bare repository at `gitDir` holds once written. */
interface Line {
  project: Corpus['projects'][number];
  releases: Release[];
  gitDir: string;
}

/**
 * The repositories of a corpus, with all their text files (.py, .md, .rst), and the histories of those that have
 * `releases`. Files are fetched when first needed. Histories lie in `cacheDir/histories`: the same pins give the same
 * commit ids. The last progress note of each stage tells how many files were left out, by reason.
 * @throws UserError when a file cannot be fetched or read, or when releases are not in order of their upload.
 */
export function pypiSource(corpus: Corpus, cacheDir: string, progress: Progress): Source {
  const projects = inSplitOrder(corpus.projects, (project) => project.split);
  return {
    unusable: [],
    async *snapshots() {
      const paths = await fetchDistributions(projects, cacheDir, progress);
      const report = reporter(progress, 'reading projects', projects.length);
      for (const [i, project] of projects.entries()) {
        const { name, version, licence, split } = project;
        report.next(name);
        const content = report.count(readArchive(paths[i]!));
        yield { id: name, commit: version, licence, split, files: filesOf(project, content), refused: content.refused } satisfies Repository;
      }
      report.end();
    },
    async *histories() {
      const lines = inSplitOrder(linesOf(corpus, cacheDir), ({ project }) => project.split);
      const heads = new Map<Line, string | undefined>();
      for (const line of lines) heads.set(line, await writtenHead(line.gitDir, progress));
      await fetchDistributions(lines.filter((line) => heads.get(line) === undefined).flatMap(pinsOf), cacheDir, progress);
      const report = reporter(progress, 'writing histories', lines.length);
      for (const line of lines) {
        const { project: { name, licence, split }, gitDir } = line;
        report.next(name);
        const head = heads.get(line) ?? await writeHistoryOnce(gitDir, () => revisionsOf(line, (pin) => report.count(readArchive(distributionPath(pin, cacheDir)))), progress);
        yield { id: name, licence, split, gitDir, head } satisfies History;
      }
      report.end();
    },
  };
}

/** Of a source distribution without the one folder, `name-version`, that holds all of it and that the repository has not. */
function filesOf(pin: Pick<Pin, 'file'>, { files }: ArchiveContent): SourceFile[] {
  if (isWheel(pin)) return files;
  const tops = new Set(files.map(({ path }) => path.split('/', 1)[0]!));
  if (tops.size !== 1 || files.some(({ path }) => !path.includes('/'))) return files;
  return files.map((file) => ({ ...file, path: file.path.slice(file.path.indexOf('/') + 1) }));
}

function inSplitOrder<T>(items: readonly T[], split: (item: T) => CrossRepoSplit): T[] {
  return [...items].sort((a, b) => SPLITS.indexOf(split(a)) - SPLITS.indexOf(split(b)));
}

/** The projects that have releases, in the corpus's order. Nothing is fetched for a corpus with a mistake in it. */
function linesOf(corpus: Corpus, cacheDir: string): Line[] {
  const pinned = corpus.releases ?? {};
  const stray = Object.keys(pinned).find((name) => !corpus.projects.some((project) => project.name === name));
  if (stray !== undefined) throw new UserError(`Corpus ${corpus.name} has releases of ${stray}, which is not among its projects: add it there or remove them.`);
  return corpus.projects.filter(({ name }) => pinned[name]?.length).map((project) => {
    const releases = pinned[project.name]!;
    const line = { project, releases, gitDir: join(cacheDir, 'histories', `${project.name}-${hashJson(releases).slice(0, 12)}.git`) };
    pinsOf(line).forEach(checkPin);
    checkOrder(project.name, releases);
    return line;
  });
}

const pinsOf = ({ project: { name, licence }, releases }: Line): Pin[] =>
  releases.map(({ version, file, sha256 }) => ({ name, version, file, sha256, licence }));

/** Commits must go forward in time: the order of a history is what the evolution track is about. */
function checkOrder(name: string, releases: readonly Release[]): void {
  for (const [i, { version, uploaded }] of releases.entries()) {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(uploaded) || Number.isNaN(Date.parse(uploaded)))
      throw new UserError(`Release ${version} of ${name} was uploaded at ${JSON.stringify(uploaded)}, which is no time such as 2023-05-01T12:34:56Z: correct the corpus.`);
    const before = releases[i - 1];
    if (before && before.uploaded >= uploaded)
      throw new UserError(`Releases of ${name} are out of order: ${version} (${uploaded}) stands after ${before.version} (${before.uploaded}); sort them, oldest first.`);
  }
}

function* revisionsOf(line: Line, read: (pin: Pin) => ArchiveContent): Generator<Revision> {
  for (const [i, pin] of pinsOf(line).entries())
    yield { time: Date.parse(line.releases[i]!.uploaded) / 1000, message: pin.version, files: filesOf(pin, read(pin)) };
}

/** Progress of reading archives, which adds up what they refuse. */
function reporter(progress: Progress, stage: string, total: number) {
  const refused = new Map<string, number>();
  let done = 0;
  return {
    next: (name: string): void => progress({ stage, done: done++, total, note: name }),
    count: (content: ArchiveContent): ArchiveContent => {
      for (const [reason, count] of Object.entries(content.refused)) refused.set(reason, (refused.get(reason) ?? 0) + count);
      return content;
    },
    end: (): void => progress({ stage, done: total, total, note: `left out: ${[...refused].map(([reason, n]) => `${n} ${reason}`).join(', ') || 'nothing'}` }),
  };
}
