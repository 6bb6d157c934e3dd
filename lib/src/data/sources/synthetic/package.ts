/** The files of a synthetic package: `app` with one module a noun, and their tests. */
import type { SourceFile } from '../../types.js';
import { type Conventions, KINDS, type Kind } from './conventions.js';
import { questions, testName } from './questions.js';

export const NOUNS = ['order', 'user', 'message', 'record', 'file', 'account', 'task', 'event'] as const;
export type Noun = (typeof NOUNS)[number];

/** How assertions are written. It shows in every prefix, and says nothing of the conventions. */
export type Style = 'pytest' | 'unittest';

/** @param modules the kinds of function that each module has, in the order in which modules were added */
export function packageFiles(style: Style, own: Conventions, modules: ReadonlyMap<Noun, ReadonlySet<Kind>>): SourceFile[] {
  const file = (path: string, lines: string[]): SourceFile => ({ path, bytes: Buffer.from(`${lines.join('\n')}\n`) });
  const sorted = [...modules].map(([noun, kinds]) => ({ noun, kinds: KINDS.filter((kind) => kinds.has(kind)) }));
  return [
    file('app/__init__.py', ['core', ...modules.keys()].map((name) => `from app.${name} import *`)),
    file('app/core.py', core(own)),
    ...sorted.map(({ noun, kinds }) => file(`app/${noun}.py`, module(own, noun, kinds))),
    file('tests/test_core.py', coreTest(style)),
    ...sorted.map(({ noun, kinds }) => file(`tests/test_${noun}.py`, style === 'pytest' ? pytestFile(own, noun, kinds) : unittestFile(own, noun, kinds))),
  ];
}

function core({ error, label }: Conventions): string[] {
  return [
    '"""What all modules share."""', 'FACTORIES = {}', '', '', `class ${error}(Exception):`, '    """Raised for a bad size."""', '', '',
    `def ${label}(text):`, '    return "<" + text + ">"', '', '', 'def factory(name):', '    return FACTORIES[name]',
  ];
}

/** One assertion that gives no task, so that drops are met too: no comparison, or a message behind the target. */
function coreTest(style: Style): string[] {
  return style === 'pytest' ? ['import app', '', '', 'def test_core():', '    assert callable(app.factory)'] : [
    'import unittest', '', 'import app', '', '', 'class TestCore(unittest.TestCase):', '    def test_core(self):',
    '        self.assertTrue(callable(app.factory), "not a function")',
  ];
}

function module(own: Conventions, noun: Noun, kinds: readonly Kind[]): string[] {
  return [
    `from app.core import FACTORIES, ${own.error}, ${own.label}`, '', `${noun}s = {}`,
    ...kinds.flatMap((kind) => ['', '', ...questions[kind].source(noun, own)]),
  ];
}

/**
 * Each kind once a file, alone in its test: no earlier assertion gives the answer away. All values are compared with
 * `==`, also None, since `is` would tell which it is.
 */
function pytestFile(own: Conventions, noun: Noun, kinds: readonly Kind[]): string[] {
  return ['import pytest', '', 'import app', ...kinds.flatMap((kind) => {
    const { expression, answer } = questions[kind];
    return ['', '', `def ${testName(noun, kind)}():`, ...(kind === 'error'
      ? [`    with pytest.raises(${answer(noun, own)}):`, `        ${expression(noun)}`]
      : [`    assert ${expression(noun)} == ${answer(noun, own)}`])];
  })];
}

/** The docstring keeps the first test apart from the header, so that all prefixes have the same gap there. */
function unittestFile(own: Conventions, noun: Noun, kinds: readonly Kind[]): string[] {
  return ['import unittest', '', 'import app', '', '', `class Test${noun[0]!.toUpperCase()}${noun.slice(1)}(unittest.TestCase):`,
    `    """What ${noun}.py promises."""`, ...kinds.flatMap((kind) => {
      const { expression, answer } = questions[kind];
      return ['', `    def ${testName(noun, kind)}(self):`, ...(kind === 'error'
        ? [`        with self.assertRaises(${answer(noun, own)}):`, `            ${expression(noun)}`]
        : [`        self.assertEqual(${expression(noun)}, ${answer(noun, own)})`])];
    })];
}
