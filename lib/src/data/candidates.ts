/**
 * The assertions of one test file: each is a candidate that can become a task, or a reject with its reason.
 * Both tracks start here; they differ in which candidates they take, and when.
 */
import { type Assertion, findAssertions, MAY_ASSERT, type Scope } from './assertions/index.js';
import { isTooDeep } from './depth.js';
import { prefixFault, targetFault } from './filters.js';
import { classContext, firstLine, isTestName, type LineRange, MAX_PREFIX_LINES, moduleContext, type PrefixForm, renderFullFile, renderPrefix } from './prefix.js';
import { flatten, parsePython, type PythonSource } from './python.js';
import type { AssertionFamily, TargetKind, Task } from './types.js';

/** Where an assertion stands: indices into the text of its source, around the statement or call. */
interface Place {
  /** With its class: `TestX.test_y`; empty outside a test. */
  testFunction: string;
  from: number;
  to: number;
}

export interface Reject extends Place {
  reason: string;
}

/** An assertion that has passed all filters: a task but for its prefix and split. */
export interface Candidate extends Place {
  file: string;
  family: AssertionFamily;
  target: string;
  targetKind: TargetKind;
  /** The literal target spans lines. */
  multiline: boolean;
  source: PythonSource;
  context: LineRange[];
  testLine: number;
  start: number;
  end: number;
}

/** The fields of a task that come from its file alone. */
export function taskFields(candidate: Candidate, form: PrefixForm):
  Pick<Task, 'file' | 'testFunction' | 'family' | 'targetKind' | 'byteStart' | 'byteEnd' | 'line' | 'prefix' | 'target'> {
  const { source, start, file, testFunction, family, targetKind, target } = candidate;
  return {
    file, testFunction, family, targetKind,
    byteStart: source.byteOf(start),
    byteEnd: source.byteOf(candidate.end),
    line: source.lineOf(start) + 1,
    prefix: form === 'full-file' ? renderFullFile(source, start) : renderPrefix(source, candidate.context, candidate.testLine, start),
    target,
  };
}

/**
 * In source order. The parser must be open (`await openParser()`).
 * @param plain whether asserts without a comparison count, with their whole expression as target (evolution track)
 */
export function candidatesOf(file: string, source: PythonSource, plain = false): (Candidate | Reject)[] {
  if (!MAY_ASSERT.test(source.text)) return [];
  const tree = parsePython(source);
  try {
    // One reject stands for all that such a file asserts.
    if (isTooDeep(source.text, tree)) return [{ reason: 'too_deep', testFunction: '', from: 0, to: source.text.length }];
    let moduleLines: LineRange[] | undefined;
    // Of the tests of one class, which may be thousands, the context is the same: by where that class starts.
    const contexts = new Map<number | undefined, LineRange[]>();
    const contextOf = (scopes: Scope[], test: Scope): LineRange[] => {
      const classes = scopes.filter((scope) => scope.kind === 'class' && scope.start < test.start), innermost = classes.at(-1)?.start;
      let context = contexts.get(innermost);
      if (!context) {
        moduleLines ??= moduleContext(source, tree.rootNode);
        context = [...moduleLines, ...classes.flatMap((scope) => classContext(source, scope.node))];
        contexts.set(innermost, context);
      }
      return context;
    };
    return findAssertions(source, tree, plain).map((assertion): Candidate | Reject => {
      const test = enclosingTest(assertion);
      const { cut, family, node, scopes } = assertion;
      const place: Place = {
        testFunction: test ? scopes.slice(0, scopes.indexOf(test) + 1).map((scope) => scope.name).join('.') : '',
        from: node.startIndex,
        to: node.endIndex,
      };
      const reject = (reason: string): Reject => ({ ...place, reason });
      if (!test) return reject('no_test_function');
      if (test.node.hasError) return reject('syntax_error');
      if (typeof cut === 'string') return reject(cut);
      const literal = source.text.slice(cut.start, cut.end);
      const target = flatten(literal);
      const targetLine = source.lineOf(cut.start);
      const fault = targetFault(target) ?? prefixFault(source.line(targetLine, cut.start));
      if (fault) return reject(fault);
      const testLine = firstLine(source, test);
      if (targetLine - testLine >= MAX_PREFIX_LINES && targetLine - statementLine(source, node) >= MAX_PREFIX_LINES) {
        return reject('statement_too_long');
      }
      return {
        ...place,
        file,
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
