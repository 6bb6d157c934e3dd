/** From the name of a module to its file, as Python's import system finds it over a list of roots. */

export interface Module {
  /** Its file; null for a folder of modules without `__init__.py`. */
  file: string | null;
  /** The folder of its submodules; null where the module is one plain file. Empty for the repository itself. */
  folder: string | null;
}

/** The repository itself and folders that often hold its packages; all other folders at the top that are no packages follow. */
const ROOTS = ['', 'src', 'lib', 'app', 'python', 'py'];

export class Modules {
  readonly #files: ReadonlySet<string>;
  readonly #folders = new Set<string>(['']);
  readonly #roots: string[];

  /** @param paths all Python files of a repository, tests too: a name must not fall through to another file */
  constructor(paths: readonly string[]) {
    this.#files = new Set(paths);
    for (const path of paths) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) this.#folders.add(path.slice(0, end));
    }
    // A package is no root: its `typing.py` would stand for that of the standard library.
    const holders = [...this.#folders].filter((folder) =>
      !folder.includes('/') && !ROOTS.includes(folder) && !this.#files.has(`${folder}/__init__.py`));
    this.#roots = [...ROOTS, ...holders.sort()].filter((root) => this.#folders.has(root));
  }

  /**
   * The module of an import that stands in the file `from`. A package counts before a module of its name, both before a
   * folder without `__init__.py` in any root; roots are searched in order. Null when the repository does not have it.
   */
  find({ level, module }: { level: number; module: string }, from: string): Module | null {
    if (level > 0) {
      const parts = from.split('/').slice(0, -level);
      return level > from.split('/').length ? null : this.#at(join(parts.join('/'), slashed(module)));
    }
    let folder: Module | null = null;
    for (const root of this.#roots) {
      const found = this.#at(join(root, slashed(module)));
      if (found?.file) return found;
      folder ??= found;
    }
    return folder;
  }

  /** A submodule of a package, or null. */
  submodule(parent: Module, name: string): Module | null {
    return parent.folder === null ? null : this.#at(join(parent.folder, name));
  }

  /** Whether an import is of the repository's own code, found or not. */
  owns({ level, module }: { level: number; module: string }, from: string): boolean {
    return level > 0 || this.find({ level, module: module.split('.')[0]! }, from) !== null;
  }

  /** @param base a path without its ending */
  #at(base: string): Module | null {
    const init = join(base, '__init__.py');
    if (this.#files.has(init)) return { file: init, folder: base };
    if (this.#files.has(`${base}.py`)) return { file: `${base}.py`, folder: null };
    return this.#folders.has(base) ? { file: null, folder: base } : null;
  }
}

function slashed(module: string): string {
  return module.replaceAll('.', '/');
}

function join(folder: string, name: string): string {
  return folder && name ? `${folder}/${name}` : folder || name;
}
