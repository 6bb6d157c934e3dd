/**
 * Which files of a repository are tests (tasks come from these) and which are source (the encoder sees these).
 *
 * The static track's rule: a path component that contains "test", or content that uses pytest or unittest, or defines
 * a function `test_…` or a class whose name contains "test". It is wide on purpose: no test may reach the encoder.
 */
import { sha256 } from '../store/hash.js';
import { decodeUtf8 } from './python.js';
import type { Repository, SourceFile } from './types.js';

export const SKIPPED_FOLDERS = new Set([
  '.git', '__pycache__', 'node_modules', '.tox', '.eggs', '.mypy_cache', '.pytest_cache', 'venv', '.venv', 'env',
  '.nox', '.hg', '.svn', 'site-packages',
]);

const TEST_CONTENT =
  /\b(?:pytest|unittest)\.|^[ \t]*(?:from|import)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*(?:pytest|unittest)\b|^[ \t]*(?:async[ \t]+)?def[ \t]+test_|^[ \t]*class[ \t]+\w*[tT][eE][sS][tT]/m;

/** Whether a Python file is a test; `path` is relative to the repository, with forward slashes. */
export function isTestFile(path: string, text: string): boolean {
  return path.endsWith('.py') && (hasTestPath(path) || TEST_CONTENT.test(text));
}

/** The Python test files of a repository, outside the folders that hold no code of its own. */
export function testFiles(repo: Repository): SourceFile[] {
  return repo.files.filter((file) => isPython(file) && !isSkipped(file.path) && isTest(file));
}

/**
 * What the encoder may see: Python files that are not tests and, with `docs`, the Markdown and reStructuredText files
 * outside test folders (paper §3.1).
 */
export function sourceFiles(repo: Repository, options: { docs?: boolean } = {}): SourceFile[] {
  return repo.files.filter((file) => {
    if (isSkipped(file.path)) return false;
    if (isPython(file)) return !isTest(file);
    return options.docs === true && /\.(?:md|rst)$/.test(file.path) && !hasTestPath(file.path);
  });
}

/** Where test files are halved: whether one of this path may be read, and is then not asked about. */
export const isForReading = (path: string): boolean => Number.parseInt(sha256(path)[0]!, 16) % 2 === 0;

function isPython(file: SourceFile): boolean {
  return file.path.endsWith('.py');
}

function isTest(file: SourceFile): boolean {
  // A file that is not UTF-8 is still sorted by what can be read of it: what looks like a test never counts as source.
  return hasTestPath(file.path) || isTestFile(file.path, decodeUtf8(file.bytes) ?? Buffer.from(file.bytes).toString('latin1'));
}

function hasTestPath(path: string): boolean {
  return path.toLowerCase().includes('test');
}

export function isSkipped(path: string): boolean {
  return path.split('/').slice(0, -1).some((folder) => SKIPPED_FOLDERS.has(folder));
}
