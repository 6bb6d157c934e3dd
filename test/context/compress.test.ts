/** Compressed definitions: still Python, and with all that is to be kept, as Python's ast sees it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { compress } from '../../lib/dist/context/dependency/compress.js';
import { openParser } from '../../lib/dist/data/python.js';
import { oracle } from './repositories.js';

before(openParser);

const LONG = '    a = 1\n    b = 2\n    c = 3\n    d = 4\n    e = 5\n';

test('functions: five lines stay, more become a signature', () => {
  const short = '@cached\ndef f(x):\n    """Doc."""\n    y = x\n    return y';
  assert.equal(compress(short), short);
  assert.equal(compress(`@cached\nasync def f(x: dict[str, int] = {}, *,\n            y) -> list[int]:\n${LONG}`),
    '@cached\nasync def f(x: dict[str, int] = {}, *,\n            y) -> list[int]: ...');
});

test('classes: header, attributes, constructors; of other methods the signature and one line of the docstring', () => {
  assert.equal(compress([
    '@dataclass', 'class Box(Base, key=1):  # comment', '    """A box."""', '    size: int', '    name = "x"', '    table = {', ...Array.from({ length: 5 }, (_, i) => `        ${i}: 0,`), '    }',
    '', '    def __init__(self, a):', '        self.a = a', '        # kept', '        if a:', '            self.b = a', '',
    '    @property', '    def one(self) -> int:', '        """', '        First "line"', '', '        Second.', '        """', '        return 1', '',
    "    def two(self): return 'short, but a method'", '', '    class Meta:', '        x = 1', '        def three(self):', '            return 3',
    '    if True:', '        hidden = 1',
  ].join('\n')), [
    '@dataclass', 'class Box(Base, key=1):', '    size: int', '    name = "x"', '    table = ...',
    '    def __init__(self, a):', '        self.a = a', '        # kept', '        if a:', '            self.b = a',
    '    @property', '    def one(self) -> int:', '        """First "line" """', '        ...',
    '    def two(self): ...', '    class Meta:', '        x = 1', '        def three(self): ...',
  ].join('\n'));
  assert.equal(compress('class Error(Exception):\n    """Only words."""\n'), 'class Error(Exception): ...');
});

test('values: up to five lines stay, of more the names', () => {
  assert.equal(compress('x = [\n    1,\n]'), 'x = [\n    1,\n]');
  assert.equal(compress(`x: list[int] = [\n${'    1,\n'.repeat(9)}]`), 'x: list[int] = ...');
  assert.equal(compress(`a, b = \\\n  [\n${'    1,\n'.repeat(9)}]`), 'a, b = ...');
});

test('what cannot be parsed comes back in some form, without an error', () => {
  for (const text of ['', '# only', 'def f(', 'class :', 'class A:', 'def f(x):\n  """', ')', '@', `class A(\n${LONG}`]) assert.equal(typeof compress(text), 'string');
});

test('on the standard library, Python’s ast finds all that is to be kept', () => {
  const modules = oracle<string[]>({ modules: ['argparse', 'configparser', 'dataclasses', 'decimal', 'enum', 'fractions', 'http.client', 'json.decoder',
    'logging', 'pathlib', 'statistics', 'subprocess', 'tarfile', 'textwrap', 'typing', 'unittest.mock', 'uuid', '_pydecimal', 'asyncio.locks', 'turtle'] });
  const defined = oracle<[string, string][][]>({ definitions: modules }).flat().map(([, source]) => source);
  assert.ok(defined.length > 500, String(defined.length));
  const pairs = defined.map((source): [string, string] => [source, compress(source)]);
  const faults = oracle<(string | null)[]>({ compressed: pairs });
  assert.deepEqual(faults.filter((fault) => fault !== null), []);
  const length = (i: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[i].length, 0);
  assert.ok(length(1) < 0.5 * length(0), 'most of the text is gone');
});
