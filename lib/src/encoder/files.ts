/** Which files of a repository an encoder reads. */
import { sourceFiles } from '../data/tests-files.js';
import type { Repository } from '../data/types.js';
import { sha256 } from '../store/hash.js';
import type { Embedder } from './embedder.js';
import type { FileRecipe } from './recipe.js';
import { blobId } from './vector-cache.js';

export interface ReadableFile {
  path: string;
  /** git's name of its content. */
  blob: string;
  text: string;
}

/** Whether a file of this name could be read, whatever it holds. */
export function isReadableName(path: string, { files }: FileRecipe): boolean {
  return path.endsWith('.py') || (files === 'source+docs' && /\.(?:md|rst)$/.test(path));
}

/** All files that the recipe lets an encoder read. Blank ones are left out. */
export function readableFiles(repo: Repository, recipe: FileRecipe): ReadableFile[] {
  const allowed = recipe.files === 'all-python' ? repo.files.filter(({ path }) => isReadableName(path, recipe))
    : sourceFiles(repo, { docs: recipe.files === 'source+docs' });
  return allowed.filter(({ bytes }) => bytes.length <= recipe.maxFileBytes)
    .map(({ path, bytes }) => ({ path, blob: blobId(bytes), text: Buffer.from(bytes).toString('utf8') }))
    .filter(({ text }) => text.trim());
}

/** At most `maxFiles` of them, in an order that does not depend on how the repository lists them. */
export function chooseFiles(files: readonly ReadableFile[], { maxFiles, choose }: FileRecipe, tokenizer: Embedder['tokenizer']): ReadableFile[] {
  const ordered = files.map((file) => ({ file, key: sha256(file.path) })).sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file);
  if (choose === 'hash' || ordered.length <= maxFiles) return ordered.slice(0, maxFiles);
  const sized = ordered.map((file) => ({ file, tokens: tokenizer.encode(file.text).length }));
  return sized.sort((a, b) => b.tokens - a.tokens).slice(0, maxFiles).map(({ file }) => file);
}
