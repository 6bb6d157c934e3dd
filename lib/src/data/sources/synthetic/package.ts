/** The files of a synthetic package: `app` with one module a noun, and their tests. */
import type { SourceFile } from '../../types.js';
import { type Conventions, KINDS } from './conventions.js';
import { questions, testName } from './questions.js';

export const NOUNS = ['order', 'user', 'message', 'record', 'file', 'account', 'task', 'event'] as const;
export type Noun = (typeof NOUNS)[number];

/** How assertions are written. It shows in every prefix, and says nothing of the conventions. */
export type Style = 'pytest' | 'unittest';

/** @param modules in the order in which they were added; each has a function of every kind */
export function packageFiles(style: Style, own: Conventions, modules: readonly Noun[]): SourceFile[] {
  const file = (path: string, lines: string[]): SourceFile => ({ path, bytes: Buffer.from(`${lines.join('\n')}\n`) });
  return [
    file('app/__init__.py', ['core', ...modules].map((name) => `from app.${name} import *`)),
    file('app/core.py', core(own)),
    ...modules.map((noun) => file(`app/${noun}.py`, module(own, noun))),
    file('tests/test_core.py', coreTest(style)),
    ...modules.map((noun) => file(`tests/test_${noun}.py`, style === 'pytest' ? pytestFile(own, noun) : unittestFile(own, noun))),
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

function module(own: Conventions, noun: Noun): string[] {
  return [
    `from app.core import FACTORIES, ${own.error}, ${own.label}`, '', `${noun}s = {}`,
    ...KINDS.flatMap((kind) => ['', '', ...questions[kind].source(noun, own)]),
  ];
}

/**
 * Each kind once a file, alone in its test: no earlier assertion gives the answer away. All values are compared with
 * `==`, also None, since `is` would tell which it is.
 */
function pytestFile(own: Conventions, noun: Noun): string[] {
  return ['import pytest', '', 'import app', ...KINDS.flatMap((kind) => {
    const { expression, answer } = questions[kind];
    return ['', '', `def ${testName(noun, kind)}():`, ...(kind === 'error'
      ? [`    with pytest.raises(${answer(noun, own)}):`, `        ${expression(noun)}`]
      : [`    assert ${expression(noun)} == ${answer(noun, own)}`])];
  })];
}

/** The docstring keeps the first test apart from the header, so that all prefixes have the same gap there. */
function unittestFile(own: Conventions, noun: Noun): string[] {
  return ['import unittest', '', 'import app', '', '', `class Test${noun[0]!.toUpperCase()}${noun.slice(1)}(unittest.TestCase):`,
    `    """What ${noun}.py promises."""`, ...KINDS.flatMap((kind) => {
      const { expression, answer } = questions[kind];
      return ['', `    def ${testName(noun, kind)}(self):`, ...(kind === 'error'
        ? [`        with self.assertRaises(${answer(noun, own)}):`, `            ${expression(noun)}`]
        : [`        self.assertEqual(${expression(noun)}, ${answer(noun, own)})`])];
    })];
}
