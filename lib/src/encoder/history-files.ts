/** The files that an encoder reads at chosen commits of a first-parent history. Every version of a file is read once. */
import { plainPath } from '../data/file-names.js';
import { BlobReader } from '../data/git/blobs.js';
import { firstParentLog, type LogEntry } from '../data/git/log.js';
import type { History, SourceFile } from '../data/types.js';
import { isReadableName, readableFiles, type ReadableFile } from './files.js';
import type { FileRecipe } from './recipe.js';

/**
 * Yields the files at each of `commits`, oldest first; ids that are not in the history are passed over.
 * @throws UserError when the repository is corrupt.
 */
export async function* filesAt(
  history: History, commits: ReadonlySet<string>, recipe: FileRecipe,
): AsyncGenerator<{ commit: string; files: ReadableFile[] }> {
  const { gitDir, head, ...repository } = history;
  const blobs = new BlobReader(gitDir);
  const files = new Map<string, ReadableFile>();
  let left = commits.size;
  try {
    for await (const entry of firstParentLog(gitDir, head)) {
      for (const { path, from } of entry.changes) {
        files.delete(path);
        if (from !== undefined) files.delete(from);
      }
      const changed = { ...repository, commit: entry.id, files: await changedFiles(entry, blobs, recipe) };
      for (const file of readableFiles(changed, recipe)) files.set(file.path, file);
      if (!commits.has(entry.id)) continue;
      yield { commit: entry.id, files: [...files.values()] };
      if (--left === 0) return;
    }
  } finally {
    blobs.close();
  }
}

/** What the commit added or changed. Links, submodules, files over 2 MB and unreadable names are left out. */
async function changedFiles({ changes }: LogEntry, blobs: BlobReader, recipe: FileRecipe): Promise<SourceFile[]> {
  const changed = changes.filter(({ kind, path, isFile }) =>
    kind !== 'deleted' && isFile && isReadableName(path, recipe) && !('fault' in plainPath(path)));
  const contents = await blobs.read(changed.map(({ blob }) => blob));
  return changed.flatMap(({ path }, i) => {
    const bytes = contents[i]!;
    return typeof bytes === 'string' ? [] : [{ path, bytes }];
  });
}
