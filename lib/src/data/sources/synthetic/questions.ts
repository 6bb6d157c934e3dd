/**
 * The six questions that a test can ask about a module: the function that follows the convention, the expression that a
 * test evaluates, and the answer. The expression is the same in all repositories, so a prefix tells nothing of the answer.
 */
import type { Task } from '../../types.js';
import { type Conventions, KINDS, type Kind } from './conventions.js';

interface Question {
  source(noun: string, own: Conventions): string[];
  /** For `error` the call that raises, else the value to compare. */
  expression(noun: string): string;
  answer(noun: string, own: Conventions): string;
}

export const questions: Record<Kind, Question> = {
  error: {
    source: (noun, { error }) => [
      `def check_${noun}(size):`, `    """Raise ${error} for an empty ${noun}."""`, '    if size < 1:', `        raise ${error}(size)`],
    expression: (noun) => `app.check_${noun}(0)`,
    answer: (_noun, { error }) => `app.${error}`,
  },
  find: {
    source: (noun, { find }) => [
      `def find_${noun}(key):`, `    """The ${noun}, or ${find} when there is none."""`, `    return ${noun}s.get(key, ${find})`],
    expression: (noun) => `app.find_${noun}("x")`,
    answer: (_noun, { find }) => find,
  },
  label: {
    source: (noun, { label }) => [`def label_${noun}(text):`, `    """The ${noun} by way of ${label}."""`, `    return ${label}(text)`],
    expression: (noun) => `app.label_${noun}("x")`,
    answer: (_noun, { label }) => `app.${label}("x")`,
  },
  limit: {
    source: (noun, { limit }) => [`def limit_${noun}():`, `    """At most ${limit} of them."""`, `    return ${limit}`],
    expression: (noun) => `app.limit_${noun}()`,
    answer: (_noun, { limit }) => limit,
  },
  factory: {
    source: (noun, { factory }) => [
      `def ${factory}_${noun}(key):`, `    return ${noun}s.setdefault(key, {})`, '', '', `FACTORIES["${noun}"] = ${factory}_${noun}`],
    expression: (noun) => `app.factory("${noun}")`,
    answer: (noun, { factory }) => `app.${factory}_${noun}`,
  },
  status: {
    source: (noun, { status }) => [`def start_${noun}():`, `    """A started ${noun} is ${status} now."""`, `    return ${status}`],
    expression: (noun) => `app.start_${noun}()`,
    answer: (_noun, { status }) => status,
  },
};

export function testName(noun: string, kind: Kind): string {
  return `test_${noun}_${kind}`;
}

/** What a task asks for, by the name of its test; undefined when the task is not from a synthetic repository. */
export function kindOf(task: Pick<Task, 'testFunction'>): Kind | undefined {
  return KINDS.find((kind) => kind === task.testFunction.split('_').at(-1));
}

/**
 * The oracle: the answer of one who knows the repository's conventions at the task's commit and sees the test up to the
 * target. Undefined when the task is not from a synthetic repository.
 */
export function answer(task: Pick<Task, 'testFunction' | 'family'>, conventions: Conventions): string | undefined {
  const kind = kindOf(task);
  const noun = task.testFunction.split('_').at(-2);
  if (!kind || !noun) return undefined;
  // The target of a call goes on to the closing parenthesis.
  return questions[kind].answer(noun, conventions) + (task.family === 'assert' ? '' : ')');
}
