/** From a name in a module to the definition behind it, through re-exports. Files are read when first asked for. */
import type { SourceFile } from '../../data/types.js';
import type { LeftOut } from '../context.js';
import { parsableText } from '../files.js';
import type { Import } from './imports.js';
import { type Definition, isDefinition, outline, type Outline } from './outline.js';
import { type Module, Modules } from './resolve.js';

/**
 * What a name stands for. `test_file`: something of a file that may not be shown. `external`: something of another
 * distribution. `missing`: the repository's own code should have it, but reading it shows no such name.
 */
export type Meaning = { definition: Definition } | { module: Module } | 'test_file' | 'external' | 'missing';

export class Symbols {
  readonly #modules: Modules;
  readonly #files: ReadonlyMap<string, SourceFile>;
  readonly #shown: ReadonlySet<string>;
  readonly #leftOut: LeftOut;
  readonly #texts = new Map<string, string>();
  readonly #outlines = new Map<string, Outline>();
  #byName: Map<string, string[]> | undefined;

  /**
   * @param files all Python files of the repository: re-exports are followed through tests, too
   * @param shown paths of those whose definitions may be shown
   * @param leftOut counts files that cannot be read
   */
  constructor(files: readonly SourceFile[], shown: readonly string[], leftOut: LeftOut) {
    this.#modules = new Modules(files.map(({ path }) => path));
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.#shown = new Set(shown);
    this.#leftOut = leftOut;
  }

  /** What the name that an import in the file `from` binds stands for. */
  meaning(imported: Import, from: string): Meaning {
    return this.#orByName(this.#imported(imported, from, new Set()), imported.name);
  }

  /** What `name` stands for as an attribute of a module. */
  member(module: Module, name: string): Meaning {
    return this.#orByName(this.#member(module, name, new Set()), name);
  }

  /** What `name` stands for if `from m import *` in the file `from` binds it; null where it does not. */
  starred(star: Import, name: string, from: string): Meaning | null {
    const meaning = this.#imported({ ...star, name }, from, new Set());
    return typeof meaning === 'object' && 'definition' in meaning ? meaning : null;
  }

  /** The definitions of a module's own file, if it may be shown. */
  definitions({ file }: Module): Definition[] {
    return file !== null && this.#shown.has(file) ? [...this.outline(file).bindings.values()].flat().filter(isDefinition) : [];
  }

  /** The bindings of a file; none when it cannot be read. */
  outline(path: string): Outline {
    let found = this.#outlines.get(path);
    if (!found) this.#outlines.set(path, found = outline(path, this.#text(path)));
    return found;
  }

  /**
   * Where imports lead nowhere: the definition of this name when one readable file alone has it at its top level. So are
   * names found that are bound at run time, or that stand in for compiled ones.
   */
  #orByName(meaning: Meaning, name: string | null): Meaning {
    if (meaning !== 'missing' || name === null) return meaning;
    this.#byName ??= this.#index();
    const [path, other] = this.#byName.get(name) ?? [];
    const bindings = path !== undefined && other === undefined ? this.outline(path).bindings.get(name) : undefined;
    const definition = bindings?.find(isDefinition);
    return definition ? { definition } : 'missing';
  }

  /** By reading alone; `seen` holds the names on the way here, since re-exports may go round in a circle. */
  #imported(imported: Import, from: string, seen: Set<string>): Meaning {
    const module = this.#modules.find(imported, from);
    if (!module) return this.#modules.owns(imported, from) ? 'missing' : 'external';
    return imported.name === null ? { module } : this.#member(module, imported.name, seen);
  }

  #member(module: Module, name: string, seen: Set<string>): Meaning {
    const { file } = module;
    const key = `${file ?? module.folder}:${name}`;
    if (seen.has(key)) return 'missing';
    seen.add(key);
    if (file !== null) {
      const { bindings, stars } = this.outline(file);
      for (const binding of bindings.get(name) ?? []) {
        if (isDefinition(binding)) return this.#shown.has(file) ? { definition: binding } : 'test_file';
        const meaning = this.#imported(binding, file, seen);
        if (meaning !== 'missing') return meaning;
      }
      for (const star of name.startsWith('_') ? [] : stars) {
        const meaning = this.#imported({ ...star, name }, file, seen);
        if (typeof meaning === 'object') return meaning;
      }
    }
    const submodule = this.#modules.submodule(module, name);
    return submodule ? { module: submodule } : 'missing';
  }

  #text(path: string): string {
    let text = this.#texts.get(path);
    if (text === undefined) this.#texts.set(path, text = parsableText(this.#files.get(path)!, this.#leftOut) ?? '');
    return text;
  }

  /** Paths of the files to be shown in which each name stands at the top level. */
  #index(): Map<string, string[]> {
    const byName = new Map<string, string[]>();
    for (const path of this.#shown) {
      for (const name of new Set(Array.from(this.#text(path).matchAll(TOP_LEVEL), (match) => match[1] ?? match[2]!))) {
        const paths = byName.get(name);
        if (paths) paths.push(path);
        else byName.set(name, [path]);
      }
    }
    return byName;
  }
}

const TOP_LEVEL = /^(?:(?:async[ \t]+)?def|class)[ \t]+([\p{L}\p{N}_]+)|^([\p{L}_][\p{L}\p{N}_]*)[ \t]*(?:=(?!=)|:[^=\n]*=)/gmu;
