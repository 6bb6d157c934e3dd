/** Which files of a repository an encoder reads. */
import { isForReading, sourceFiles, testFiles } from '../data/tests-files.js';
import type { Repository, SourceFile } from '../data/types.js';
import { UserError } from '../store/errors.js';
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

/** All files that the recipe lets an encoder read. Blank ones are left out. @throws UserError when it would read tests that are asked about */
export function readableFiles(repo: Repository, recipe: FileRecipe): ReadableFile[] {
  return allowed(repo, recipe).filter(({ bytes }) => bytes.length <= recipe.maxFileBytes)
    .map(({ path, bytes }) => ({ path, blob: blobId(bytes), text: Buffer.from(bytes).toString('utf8') }))
    .filter(({ text }) => text.trim());
}

function allowed(repo: Repository, recipe: FileRecipe): SourceFile[] {
  const { files, halved } = recipe;
  if (files === 'all-python') return repo.files.filter(({ path }) => isReadableName(path, recipe));
  const readsTests = files === 'tests' || files === 'source+tests';
  if (readsTests && !halved) throw new UserError(`An encoder with files: '${files}' would read the tests that are asked about: set halved: true beside it, so that a half of them is kept for reading.`);
  return [
    ...(files === 'tests' ? [] : sourceFiles(repo, { docs: files === 'source+docs' })),
    ...(readsTests ? testFiles(repo).filter(({ path }) => isForReading(path)) : []),
  ];
}

/** At most `maxFiles` of them, in an order that does not depend on how the repository lists them. */
export function chooseFiles(files: readonly ReadableFile[], { maxFiles, choose }: FileRecipe, tokenizer: Embedder['tokenizer']): ReadableFile[] {
  const ordered = files.map((file) => ({ file, key: sha256(file.path) })).sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file);
  if (choose === 'hash' || ordered.length <= maxFiles) return ordered.slice(0, maxFiles);
  const sized = ordered.map((file) => ({ file, tokens: tokenizer.encode(file.text).length }));
  return sized.sort((a, b) => b.tokens - a.tokens).slice(0, maxFiles).map(({ file }) => file);
}
