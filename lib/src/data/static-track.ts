/**
 * The static track of RepoPeftBench (paper §2): the tests of a snapshot become assertion-completion tasks.
 *
 *     files -> assertions -> cuts -> filters -> selection -> prefixes -> splits
 *
 * Every assertion of a test file is a candidate and ends in exactly one place: a task, or one reason in `drops`.
 * So `candidates` = tasks + the sum of `drops`.
 */
import type { Progress } from '../store/progress.js';
import { silent } from '../store/progress.js';
import { Random } from '../store/random.js';
import { type Assertion, findAssertions, MAY_ASSERT, type Scope } from './assertions/index.js';
import { prefixFault, targetFault } from './filters.js';
import { classContext, firstLine, isTestName, type LineRange, MAX_PREFIX_LINES, moduleContext, renderPrefix } from './prefix.js';
import { flatten, openParser, parsePython, PythonSource } from './python.js';
import { select, type Selectable, type SelectOptions } from './select.js';
import { inRepoSplits, repoSeed } from './splits.js';
import { testFiles } from './tests-files.js';
import type { AssertionFamily, Repository, SourceFile, Task } from './types.js';

export interface StaticOptions extends SelectOptions {
  /**
   * Most test files read of one repository, drawn at random; all when absent. A few large projects have most of a
   * corpus's test files, and their 200 tasks come from a small part of them.
   */
  maxFiles?: number;
}

export interface Curated {
  tasks: Task[];
  /** Dropped candidates by reason. */
  drops: Record<string, number>;
  /** All assertions found in test files. */
  candidates: number;
  testFiles: number;
  /** Test files over `maxFiles`, not looked into. */
  unread: number;
  /** Test files that are not UTF-8; nothing in them is a candidate. */
  undecodable: number;
}

/** A candidate that has passed all filters: a task but for its prefix and split. */
interface Draft extends Selectable {
  family: AssertionFamily;
  source: PythonSource;
  context: LineRange[];
  testLine: number;
  start: number;
  end: number;
}

/**
 * The tasks of one repository in file order, with all counts. The parser must be open (`await openParser()`).
 * A training repository's tasks are split 80/10/10; those of other repositories are all `test`.
 */
export function curateStatic(repo: Repository, options: StaticOptions): Curated {
  const drops: Record<string, number> = {};
  const drop = (reason: string): void => {
    drops[reason] = (drops[reason] ?? 0) + 1;
  };
  const drafts: Draft[] = [];
  const all = testFiles(repo);
  const files = options.maxFiles === undefined || all.length <= options.maxFiles ? all
    : new Random(repoSeed(options.seed, repo.id, 'files')).shuffle(all).slice(0, options.maxFiles);
  let candidates = 0;
  let undecodable = 0;
  for (const file of files) {
    const source = PythonSource.decode(file.bytes);
    if (!source) {
      undecodable++;
      continue;
    }
    for (const draft of draftsOf(file, source)) {
      candidates++;
      if (typeof draft === 'string') drop(draft);
      else drafts.push(draft);
    }
  }
  const { kept, dropped } = select(drafts, { ...options, seed: repoSeed(options.seed, repo.id, 'select') });
  for (const { reason } of dropped) drop(reason);
  kept.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start || a.end - b.end));
  const splits = inRepoSplits(kept.length, repo.split, repoSeed(options.seed, repo.id, 'split'));
  const tasks = kept.map((draft, i): Task => {
    const { source, file, start } = draft;
    const byteStart = source.byteOf(start);
    const byteEnd = source.byteOf(draft.end);
    return {
      id: `${repo.id}:${file}:${byteStart}:${byteEnd}`,
      repo: repo.id,
      split: repo.split,
      inRepoSplit: splits[i]!,
      file,
      testFunction: draft.testFunction,
      family: draft.family,
      targetKind: draft.targetKind,
      byteStart,
      byteEnd,
      line: source.lineOf(start) + 1,
      prefix: renderPrefix(source, draft.context, draft.testLine, start),
      target: draft.target,
    };
  });
  return { tasks, drops, candidates, testFiles: all.length, unread: all.length - files.length, undecodable };
}

/** What the whole corpus gave; `repositories` has the counts of each, in the corpus's order. */
export interface CuratedCorpus {
  tasks: Task[];
  repositories: (Omit<Curated, 'tasks'> & { id: string; tasks: number })[];
}

/**
 * The tasks of a corpus, repository by repository. One with fewer than `minTasks` tasks (30 in the paper) is left out:
 * its tasks are counted as dropped for `small_repository`.
 */
export async function curateCorpus(
  repos: Iterable<Repository> | AsyncIterable<Repository>,
  options: StaticOptions & { minTasks: number; total?: number },
  progress: Progress = silent,
): Promise<CuratedCorpus> {
  await openParser();
  const corpus: CuratedCorpus = { tasks: [], repositories: [] };
  const total = options.total ?? (Array.isArray(repos) ? repos.length : 0);
  for await (const repo of repos) {
    const curated = curateStatic(repo, options);
    const small = curated.tasks.length < options.minTasks;
    if (small && curated.tasks.length) curated.drops['small_repository'] = curated.tasks.length;
    const tasks = small ? [] : curated.tasks;
    corpus.tasks.push(...tasks);
    corpus.repositories.push({ ...curated, id: repo.id, tasks: tasks.length });
    progress({ stage: 'making tasks', done: corpus.repositories.length, total, note: `${corpus.tasks.length} tasks` });
    // Lets a display repaint: the work above never waits for anything.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return corpus;
}

/** Each assertion of one test file: a draft, or the reason why it is none. */
function draftsOf(file: SourceFile, source: PythonSource): (Draft | string)[] {
  if (!MAY_ASSERT.test(source.text)) return [];
  const tree = parsePython(source);
  try {
    let moduleLines: LineRange[] | undefined;
    const contexts = new Map<number, LineRange[]>();
    const contextOf = (scopes: Scope[], test: Scope): LineRange[] => {
      let context = contexts.get(test.start);
      if (!context) {
        moduleLines ??= moduleContext(source, tree.rootNode);
        const classes = scopes.filter((scope) => scope.kind === 'class' && scope.start < test.start);
        context = [...moduleLines, ...classes.flatMap((scope) => classContext(source, scope.node))];
        contexts.set(test.start, context);
      }
      return context;
    };
    return findAssertions(source, tree).map((assertion): Draft | string => {
      const test = enclosingTest(assertion);
      if (!test) return 'no_test_function';
      const { cut, family, node, scopes } = assertion;
      if (test.node.hasError) return 'syntax_error';
      if (typeof cut === 'string') return cut;
      const literal = source.text.slice(cut.start, cut.end);
      const target = flatten(literal);
      const targetLine = source.lineOf(cut.start);
      const fault = targetFault(target) ?? prefixFault(source.line(targetLine, cut.start));
      if (fault) return fault;
      const testLine = firstLine(source, test);
      if (targetLine - testLine >= MAX_PREFIX_LINES && targetLine - statementLine(source, node) >= MAX_PREFIX_LINES) {
        return 'statement_too_long';
      }
      return {
        file: file.path,
        testFunction: scopes.slice(0, scopes.indexOf(test) + 1).map((scope) => scope.name).join('.'),
        target,
        targetKind: cut.kind,
        multiline: literal.includes('\n'),
        family,
        source,
        context: contextOf(scopes, test),
        testLine,
        start: cut.start,
        end: cut.end,
      };
    });
  } finally {
    tree.delete();
  }
}

/** The innermost test function in whose body the assertion stands (not its decorators or default values). */
function enclosingTest({ scopes, node }: Assertion): Scope | undefined {
  return [...scopes].reverse().find((scope) =>
    scope.kind === 'function' && isTestName(scope.name) &&
    (scope.node.childForFieldName('body')?.startIndex ?? Infinity) <= node.startIndex);
}

/** Line on which the statement around `node` starts. */
function statementLine(source: PythonSource, node: Assertion['node']): number {
  let statement = node;
  while (statement.parent && statement.parent.type !== 'block' && statement.parent.type !== 'module') {
    statement = statement.parent;
  }
  return source.lineOf(statement.startIndex);
}
