/**
 * A history as Code2LoRA-Evo reads it where there is no benchmark: every first-parent commit that changes Python
 * outside tests is a step, with the diff of production code since the step before it. (The benchmark's steps are the
 * commits that change assertions, paper §2.4.)
 */
import { BlobReader } from '../../data/git/blobs.js';
import { DiffReader } from '../../data/git/diffs.js';
import { plainPath } from '../../data/file-names.js';
import { firstParentLog, type LogEntry } from '../../data/git/log.js';
import { isSkipped, isTestFile } from '../../data/tests-files.js';
import type { History } from '../../data/types.js';
import { filesAt } from '../../encoder/history-files.js';
import type { EncoderRecipe } from '../../encoder/recipe.js';
import { repositoryVector, type RepositoryVector } from '../../encoder/repository-vector.js';
import type { VectorCache } from '../../encoder/vector-cache.js';

export interface Step {
  commit: string;
  /** Of production code since the step before. */
  diff: string;
}

/** Oldest first. `seen` is told of every commit that goes by. @throws UserError when the repository is corrupt. */
export async function* steps({ gitDir, head }: History, seen: () => void): AsyncGenerator<Step> {
  const blobs = new BlobReader(gitDir), diffs = new DiffReader(gitDir);
  /** Tests by path or content, now and since the last step: a diff may not show what they held. */
  const tests = new Set<string>(), were = new Set<string>();
  let before: string | undefined;
  try {
    for await (const entry of firstParentLog(gitDir, head)) {
      seen();
      if (!(await changesSource(entry, tests, were, blobs))) continue;
      const { text } = await diffs.between(before, entry.tree, (path) => tests.has(path) || were.has(path));
      were.clear();
      before = entry.tree;
      yield { commit: entry.id, diff: text };
    }
  } finally {
    blobs.close();
    diffs.close();
  }
}

/** Whether Python that is no test came, changed or went; brings `tests` to the state after the commit. */
async function changesSource({ changes }: LogEntry, tests: Set<string>, were: Set<string>, blobs: BlobReader): Promise<boolean> {
  let source = false;
  const isPython = (path: string) => path.endsWith('.py') && !isSkipped(path) && !('fault' in plainPath(path));
  for (const { kind, path, from } of changes) {
    const old = from ?? path;
    if (tests.delete(old)) were.add(old);
    else if (kind !== 'added' && isPython(old) && !isTestFile(old, '')) source = true;
  }
  const read = changes.filter(({ kind, path, isFile }) => kind !== 'deleted' && isFile && isPython(path));
  const contents = await blobs.read(read.map(({ blob }) => blob));
  read.forEach(({ path }, i) => {
    const bytes = contents[i]!;
    if (typeof bytes === 'string') return;
    if (isTestFile(path, Buffer.from(bytes).toString('utf8'))) tests.add(path);
    else source = true;
  });
  return source;
}

/** The repository at each of `commits`. */
export async function statesAt(
  history: History, commits: readonly string[], cache: VectorCache, recipe: EncoderRecipe,
): Promise<Map<string, RepositoryVector>> {
  const out = new Map<string, RepositoryVector>();
  for await (const { commit, files } of filesAt(history, new Set(commits), recipe)) {
    out.set(commit, await repositoryVector(files, cache, recipe));
  }
  return out;
}
