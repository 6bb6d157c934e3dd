/**
 * Dependency contexts (paper §4.1): what the names stand for that a test imports and uses.
 *
 *     prefix -> imports in scope and uses -> definitions, through re-exports -> compressed -> as many as fit, best first
 *
 * Test files are never shown, but for the fixtures of `conftest.py` and what is imported from there; nor is the file that
 * holds the task.
 */
import type { Node } from 'web-tree-sitter';
import { isSkipped } from '../../data/tests-files.js';
import type { Repository } from '../../data/types.js';
import type { Tokenizer } from '../../text/tokenizer.js';
import { Room } from '../room.js';
import { block, type ContextMethod, header, leaveOut, type LeftOut, type Question, SEPARATOR } from '../context.js';
import { contextFiles } from '../files.js';
import { parsed } from '../parse.js';
import { compress } from './compress.js';
import { importsInScope } from './imports.js';
import { type Definition, isDefinition } from './outline.js';
import { OTHER, relevance, type Use, usesOf } from './relevance.js';
import { type Meaning, Symbols } from './symbols.js';

/** A definition, why it is wanted, and where the prefix used it last. */
interface Wanted {
  definition: Definition;
  relevance: number;
  at: number;
}

/** @param budget most tokens of a context; the paper's have 4,096 to 6,000 */
export function dependencyContext(tokenizer: Tokenizer, budget: number): ContextMethod {
  return {
    prepare(repo) {
      const leftOut: LeftOut = {};
      const dependencies = new Dependencies(repo, leftOut);
      const short = new WeakMap<Definition, string>();
      const compressed = (definition: Definition): string => {
        let text = short.get(definition);
        if (text === undefined) short.set(definition, text = compress(definition.text));
        return text;
      };
      return {
        leftOut,
        contextFor(question) {
          const wanted = dependencies.of(question);
          if (!wanted.length) return '';
          const room = new Room(budget, tokenizer);
          // Blocks by path, the most relevant one first.
          const blocks = new Map<string, Definition[]>();
          for (const { definition } of wanted) {
            const { path } = definition;
            const opened = blocks.get(path);
            const text = compressed(definition);
            if (!room.take(opened ? text : block(path, text))) leaveOut(leftOut, 'over_budget');
            else if (opened) opened.push(definition);
            else blocks.set(path, [definition]);
          }
          return [...blocks].reverse().map(([path, definitions]) =>
            header(path) + definitions.sort((a, b) => a.at - b.at).map(compressed).join(SEPARATOR)).join(SEPARATOR);
        },
      };
    },
  };
}

/** The definitions of a snapshot that a prefix depends on. */
class Dependencies {
  readonly #symbols: Symbols;
  /** `conftest.py` files, by path. */
  readonly #conftests: Set<string>;

  constructor(repo: Repository, private readonly leftOut: LeftOut) {
    const python = repo.files.filter(({ path }) => path.endsWith('.py') && !isSkipped(path));
    const conftests = python.map(({ path }) => path).filter((path) => /(?:^|\/)conftest\.py$/.test(path));
    this.#conftests = new Set(conftests);
    this.#symbols = new Symbols(python, [...contextFiles(repo).map(({ path }) => path), ...conftests], leftOut);
  }

  /** Most relevant first; of equals the one that the prefix used last. */
  of({ file, prefix }: Question): Wanted[] {
    const wanted = new Map<string, Wanted>();
    const want = (definition: Definition, score: number, at: number): void => {
      if (definition.path === file) return;
      const key = `${definition.path}:${definition.at}`;
      const before = wanted.get(key);
      if (!before) wanted.set(key, { definition, relevance: score, at });
      else Object.assign(before, { relevance: Math.max(score, before.relevance), at: Math.max(at, before.at) });
    };
    parsed(prefix, (root) => {
      const meanings = this.#meanings(root, file, prefix.trimEnd().length);
      const failed = new Map<string, 'test_file' | 'unresolved'>();
      for (const use of usesOf(root, (name) => meanings.has(name))) {
        const { meaning, attributes } = this.#follow(meanings.get(use.name)!, use);
        if (typeof meaning !== 'object') {
          if (meaning !== 'external') failed.set([use.name, ...use.attributes].join('.'), meaning === 'missing' ? 'unresolved' : meaning);
        } else if ('definition' in meaning) want(meaning.definition, relevance(use, attributes), use.at);
        else for (const definition of this.#symbols.definitions(meaning.module)) want(definition, OTHER, use.at);
      }
      for (const reason of failed.values()) leaveOut(this.leftOut, reason);
    });
    return [...wanted.values()].sort((a, b) => b.relevance - a.relevance || b.at - a.at ||
      (a.definition.path < b.definition.path ? -1 : a.definition.path > b.definition.path ? 1 : a.definition.at - b.definition.at));
  }

  /** What each name stands for that is imported, or is a fixture of a `conftest.py` on the way up from the file. */
  #meanings(root: Node, file: string, end: number): Map<string, Meaning> {
    const meanings = new Map<string, Meaning>();
    const imports = importsInScope(root, end);
    for (const imported of imports.filter(({ name }) => name !== '*')) {
      const meaning = this.#symbols.meaning(imported, file);
      // `except ImportError` often imports the same name from a place that is no longer there.
      if (typeof meaning === 'object' || !meanings.has(imported.alias)) meanings.set(imported.alias, meaning);
    }
    const names = new Set(usesOf(root, () => true).map(({ name }) => name).filter((name) => !meanings.has(name)));
    const stars = imports.filter(({ name }) => name === '*').reverse();
    const fixtures = this.#fixtures(file);
    for (const name of names) {
      const starred = stars.map((star) => this.#symbols.starred(star, name, file)).find((meaning) => meaning !== null);
      const fixture = fixtures.get(name);
      if (starred) meanings.set(name, starred);
      else if (fixture) meanings.set(name, { definition: fixture });
    }
    return meanings;
  }

  /** Fixtures that pytest offers a file: of a name, the one of the nearest folder. */
  #fixtures(file: string): Map<string, Definition> {
    const fixtures = new Map<string, Definition>();
    for (let folder = file; folder;) {
      folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
      const path = folder ? `${folder}/conftest.py` : 'conftest.py';
      if (!this.#conftests.has(path)) continue;
      for (const [name, bindings] of this.#symbols.outline(path).bindings) {
        const fixture = bindings.filter(isDefinition).find(({ text }) => /^@.*fixture/m.test(text));
        if (fixture && !fixtures.has(name)) fixtures.set(name, fixture);
      }
    }
    return fixtures;
  }

  /** Follows the attributes of a use through modules; `attributes` of them are left behind the definition. */
  #follow(meaning: Meaning, use: Use): { meaning: Meaning; attributes: number } {
    let left = use.attributes;
    while (typeof meaning === 'object' && 'module' in meaning && left.length) {
      meaning = this.#symbols.member(meaning.module, left[0]!);
      left = left.slice(1);
    }
    return { meaning, attributes: left.length };
  }
}
