/** Dependency contexts: what imports lead to, as Python itself finds it; what is shown of it, and in which order. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type LeftOut, SEPARATOR } from '../../lib/dist/context/context.js';
import { dependencyContext } from '../../lib/dist/context/dependency/dependency-context.js';
import { importsInScope } from '../../lib/dist/context/dependency/imports.js';
import { Modules } from '../../lib/dist/context/dependency/resolve.js';
import { parsed } from '../../lib/dist/context/parse.js';
import { openParser } from '../../lib/dist/data/python.js';
import { blocksOf, oracle, repository, tokenizer } from './repositories.js';

before(openParser);

const folder = mkdtempSync(join(tmpdir(), 'dependency-'));
after(() => rmSync(folder, { recursive: true }));

const all = dependencyContext(tokenizer, 4_096);

/** Blocks of one context, and what was left out of it. */
function context(files: Record<string, string>, file: string, prefix: string): { blocks: [string, string][]; leftOut: LeftOut } {
  const contexts = all.prepare(repository(files));
  return { blocks: blocksOf(contexts.contextFor({ file, prefix })), leftOut: contexts.leftOut };
}

/** Every layout and way of importing that is told apart. Python runs it. */
const SHOP = {
  'src/shop/__init__.py': 'from .core import *\nfrom .prices import price as cost\nfrom . import tools\nfrom .deep import *\n__version__ = "1"\n',
  'src/shop/core.py': 'import os.path\n\n\ndef total(items):\n    return sum(items)\n\n\nclass Cart:\n    size = 3\n\n    def add(self, item):\n        """Adds."""\n        return item\n\n\ndef twice():\n    return "core"\n',
  'src/shop/prices.py': 'from .deep.rates import rate\n\n\ndef price(x):\n    return rate(x)\n\n\ndef twice():\n    return 1\n\n\ndef twice():\n    return "second"\n',
  'src/shop/deep/__init__.py': 'from .rates import rate as base_rate, __doc__\nfrom .. import tools as kit\n',
  'src/shop/deep/rates.py': 'def rate(x):\n    return 2 * x\n',
  'src/shop/tools.py': 'def wrench():\n    return 1\n',
  'src/shop/ring.py': 'def knot():\n    return 0\n\n\nfrom .gnir import *\n',
  'src/shop/gnir.py': 'from .ring import *\n\n\ndef tonk():\n    return 0\n',
  'src/shop/fast.py': 'try:\n    from ._speed import quick\nexcept ImportError:\n    def quick():\n        return "slow"\n\ntry:\n    from ._speed import other\nexcept ImportError:\n    from .slow import other\n\ntry:\n    from .slow import third\nexcept ImportError:\n    third = None\n',
  'src/shop/slow.py': 'def other():\n    return 0\n\n\ndef third():\n    return 0\n',
  'lib/plain.py': 'def plain():\n    return 0\n',
  'both.py': 'def which():\n    return "module"\n',
  'both/__init__.py': 'def which():\n    return "package"\n',
  'src/both.py': 'def which():\n    return "src"\n',
  'early/inside.py': 'def which():\n    return "namespace"\n',
  'py/early/__init__.py': 'def where():\n    return "package"\n',
  'spaces/one.py': 'def one():\n    return 1\n',
  'backend/api/__init__.py': 'def serve():\n    return 0\n',
  'pkg/__init__.py': 'from .inner import thing\n',
  'pkg/inner.py': 'def thing():\n    return 0\n\n\ndef rest():\n    return 0\n',
  'pkg/typing.py': 'def cast():\n    return 0\n',
  'pkg/tests/__init__.py': '',
  'pkg/tests/sub/__init__.py': '',
  'pkg/tests/data.py': 'def secret():\n    return 0\n',
};
const ROOTS = ['', 'src', 'lib', 'app', 'python', 'py', 'backend', 'spaces'];

for (const [path, text] of Object.entries(SHOP)) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const CASES: { file: string; prefix: string; uses: string[] }[] = [
  {
    file: 'tests/test_shop.py',
    prefix: 'import shop\nimport shop.prices\nimport shop.deep.rates as r\nfrom shop import cost, tools as t, deep\nfrom shop.core import (Cart,  # a cart\n    total as add_up)\n',
    uses: ['shop.total', 'shop.cost', 'shop.prices.price', 'r.rate', 'cost', 't.wrench', 'deep.base_rate', 'deep.kit.wrench', 'Cart', 'add_up', 'shop.tools.wrench', 'shop.twice', 'shop.prices.twice', 'shop.base_rate'],
  },
  { file: 'tests/test_star.py', prefix: 'from shop import *\nfrom shop.prices import *\n', uses: ['total', 'Cart', 'price', 'rate', 'twice', 'base_rate'] },
  { file: 'tests/test_ring.py', prefix: 'import shop.ring, shop.gnir\n', uses: ['shop.ring.knot', 'shop.gnir.tonk', 'shop.gnir.knot'] },
  { file: 'tests/test_fast.py', prefix: 'from shop.fast import quick, other, third\n', uses: ['quick', 'other', 'third'] },
  { file: 'tests/test_roots.py', prefix: 'import plain, both, one\nfrom api import serve\nfrom early import where\nimport spaces.one as space\n',
    uses: ['plain.plain', 'both.which', 'one.one', 'serve', 'where', 'space.one'] },
  { file: 'pkg/tests/test_relative.py', prefix: 'from ..inner import thing\nfrom .. import inner, thing as t2\nfrom . import __name__ as n\n', uses: ['thing', 'inner.rest', 't2'] },
  { file: 'pkg/tests/sub/test_deep.py', prefix: 'from ... import inner as i\nfrom ...inner import rest\n', uses: ['i.thing', 'rest'] },
  { file: 'tests/test_clash.py', prefix: 'from shop.prices import twice\nfrom shop.core import twice\nif True:\n    import pkg.inner as p\n', uses: ['twice', 'p.rest'] },
];

test('names lead to the files and definitions that Python imports', () => {
  for (const { file, prefix, uses } of CASES) {
    const expected = oracle<[string, string][]>({ imports: { folder, roots: ROOTS, file, prefix, uses } });
    uses.forEach((use, i) => {
      const { blocks } = context(SHOP, file, `${prefix}\n\ndef test_it():\n    assert ${use}(1) == `);
      const [path, name] = expected[i]!;
      assert.deepEqual(blocks.map(([where]) => where), [path], `${file}: ${use}`);
      assert.match(blocks[0]![1], new RegExp(`^(?:def|class) ${name}\\b`), `${file}: ${use}`);
      assert.equal(blocks[0]![1].match(/^(?:def|class)/gm)!.length, 1, 'only what is used');
      if (use === 'twice' || use.endsWith('.twice')) assert.ok(SHOP[path as keyof typeof SHOP].trimEnd().includes(blocks[0]![1]));
    });
  }
});

test('of several definitions the last one counts', () => {
  const { blocks } = context(SHOP, 'tests/test_a.py', 'from shop.prices import twice\n\ndef test_it():\n    assert twice() == ');
  assert.deepEqual(blocks, [['src/shop/prices.py', 'def twice():\n    return "second"']]);
});

test('the standard library and other distributions give nothing', () => {
  const prefix = 'import os\nimport numpy as np\nfrom typing import cast\nfrom os import path\n\ndef test_it():\n    assert cast(np.thing, path.rest, os.plain()) == ';
  assert.deepEqual(context(SHOP, 'pkg/tests/test_a.py', prefix), { blocks: [], leftOut: {} });
});

test('imports: only those in scope, however they are written', () => {
  const prefix = [
    'from __future__ import annotations', 'import a.b, c as d', 'from . import e', 'from ..f.g import (h as i,  # x', '    j,)', 'from k \\', '  import l',
    'from m import *', 'try:', '    import n', 'except ImportError:', '    n = None', '"import no"', '# import no', '',
    'def helper():', '    import closed', '', 'class Test:', '    import o', '', '    def test_before(self):', '        from closed import x', '',
    '    def test_it(self):', '        import p.q', '        with x:', '            from r import s', '            assert s == ',
  ].join('\n');
  const found = parsed(prefix, (root) => importsInScope(root, prefix.trimEnd().length));
  assert.deepEqual(found.map(({ alias, level, module, name }) => `${alias}=${'.'.repeat(level)}${module}:${name ?? ''}`), [
    'a=a:', 'd=c:', 'e=.:e', 'i=..f.g:h', 'j=..f.g:j', 'l=k:l', '*=m:*', 'n=n:', 'o=o:', 'p=p:', 's=r:s',
  ]);
});

test('modules: folders with dots, too many dots, a package before a module', () => {
  const modules = new Modules(['a.b/c.py', 'x/__init__.py', 'x.py', 'x/y.py', 'z/w.py', 'src/z/v.py', 'lib/z/__init__.py']);
  const find = (module: string, level = 0, from = 'x/y.py') => modules.find({ level, module }, from);
  assert.equal(find('a.b.c'), null);
  assert.deepEqual(find('x'), { file: 'x/__init__.py', folder: 'x' });
  assert.deepEqual(find('z'), { file: 'lib/z/__init__.py', folder: 'lib/z' });
  assert.deepEqual(find('z.w'), { file: 'z/w.py', folder: null });
  assert.deepEqual(find('y', 1), { file: 'x/y.py', folder: null });
  assert.deepEqual(find('', 2), { file: null, folder: '' });
  assert.equal(find('y', 9), null);
  assert.deepEqual([modules.owns({ level: 0, module: 'z.none' }, ''), modules.owns({ level: 0, module: 'none.z' }, '')], [true, false]);
});

test('relevance: called, base of an attribute, identifier; the latest use next to the prefix; a module as a whole last', () => {
  const files = Object.fromEntries(['called', 'base', 'named', 'recent', 'unused', 'module'].map((name) => [`${name}.py`, `class ${name.toUpperCase()}:\n    x = 1\n\n\nother = 2\n`]));
  const { blocks, leftOut } = context(files, 'tests/test_a.py', [
    'import module', 'from recent import RECENT', 'from called import CALLED', 'from base import BASE', 'from named import NAMED', 'from unused import UNUSED', '',
    'def test_it():', '    run(module)', '    x = NAMED', '    BASE.x', '    CALLED', '    CALLED()', '    f(NAMED=1, x=base.NAMED)', '    assert RECENT() == ',
  ].join('\n'));
  assert.deepEqual(blocks.map(([path]) => path), ['module.py', 'named.py', 'base.py', 'called.py', 'recent.py']);
  assert.equal(blocks[0]![1], 'class MODULE:\n    x = 1\n\n\nother = 2');
  assert.equal(blocks[1]![1], 'class NAMED:\n    x = 1');
  assert.deepEqual(leftOut, {});
});

test('definitions of one file share a block, in the order of the file; two blank lines part all', () => {
  const contexts = all.prepare(repository({ 'a.py': 'def one(): ...\n\nx = 1\n\ndef two(): ...\n', 'b.py': 'def three(): ...\n' }));
  assert.equal(contexts.contextFor({ file: 'test_a.py', prefix: 'from a import *\nfrom b import three\n\ndef test_it():\n    x\n    two()\n    three()\n    assert one() == ' }),
    '# b.py\ndef three(): ...\n\n\n# a.py\ndef one(): ...\n\n\nx = 1\n\n\ndef two(): ...');
});

test('conftest.py: fixtures that the test names, of the nearest folder; nothing else of a test file', () => {
  const fixture = (name: string, value: number): string => `@pytest.fixture\ndef ${name}():\n    return ${value}\n\n\n`;
  const files = {
    'conftest.py': `import pytest\n\n\n${fixture('client', 1)}${fixture('far', 1)}def helper():\n    return 1\n`,
    'tests/conftest.py': `import pytest\n\n\n${fixture('client', 2)}${fixture('unused', 2)}`,
    'other/conftest.py': `import pytest\n\n\n${fixture('elsewhere', 3)}`,
    'tests/helpers.py': 'def helper():\n    return 2\n',
    'tests/__init__.py': '',
  };
  const { blocks, leftOut } = context(files, 'tests/test_a.py', [
    'from .helpers import helper', 'from tests.helpers import helper as h2', 'import tests.helpers', '', 'def test_it(client, far, elsewhere):', '    h2()', '    assert tests.helpers.helper() == helper() == ',
  ].join('\n'));
  assert.deepEqual(new Map(blocks), new Map([
    ['conftest.py', '@pytest.fixture\ndef far():\n    return 1'], ['tests/conftest.py', '@pytest.fixture\ndef client():\n    return 2'],
  ]));
  assert.deepEqual(leftOut, { test_file: 3 });
  assert.deepEqual(context(files, 'tests/test_b.py', 'from ..conftest import helper\n\ndef test_it():\n    assert helper() == ').blocks,
    [['conftest.py', 'def helper():\n    return 1']]);
});

test('where imports lead nowhere, a name that one file alone defines is found', () => {
  const files = {
    'pkg/__init__.py': 'def __getattr__(name):\n    return load(name)\n', 'pkg/a.py': 'def lazy():\n    return 1\n\n\ndef twice():\n    return 1\n',
    'pkg/b.py': 'def twice():\n    return 2\n', 'tests/lazy.py': 'def tested():\n    return 0\n',
  };
  const { blocks, leftOut } = context(files, 'tests/test_a.py',
    'import pkg\nfrom pkg._compiled import lazy as l\nfrom pkg import twice\n\ndef test_it():\n    twice()\n    pkg.tested()\n    pkg.lazy()\n    assert l() == ');
  assert.deepEqual(blocks, [['pkg/a.py', 'def lazy():\n    return 1']]);
  assert.deepEqual(leftOut, { unresolved: 2 });
});

test('re-exports are followed through a file that counts as a test, and what stands in it is not shown', () => {
  const files = { 'pkg/__init__.py': 'import pytest\nfrom .a import good\n\n\ndef bad():\n    return 1\n', 'pkg/a.py': 'def good():\n    return 1\n' };
  const { blocks, leftOut } = context(files, 'checks/test_a.py', 'from pkg import good, bad\n\ndef test_it():\n    assert good() == bad() == ');
  assert.deepEqual(blocks, [['pkg/a.py', 'def good():\n    return 1']]);
  assert.deepEqual(leftOut, { test_file: 1 });
});

test('no context has more tokens than its budget; what has no room is counted; the whole fits its own size', () => {
  const names = Array.from({ length: 24 }, (_, i) => `name_${i}`);
  const files = Object.fromEntries(['a', 'b', 'c'].map((file, f) => [`${file}.py`, names.filter((_, i) => i % 3 === f)
    .map((name, i) => `def ${name}(${'x, '.repeat(i * 2)}y="é"):\n    return (y)`).join('\n\n\n')]));
  const prefix = `from a import *\nfrom b import *\nfrom c import *\n\ndef test_it():\n${names.map((name) => `    ${name}()\n`).join('')}    assert x == `;
  const repo = repository(files);
  const cost = (context: string): number => (context ? tokenizer.encode(context + SEPARATOR).length : 0);
  const whole = all.prepare(repo).contextFor({ file: 'test_a.py', prefix });
  assert.ok(names.every((name) => whole.includes(`def ${name}(`)));
  const budgets = [...Array.from({ length: 60 }, (_, i) => Math.floor((i * cost(whole)) / 60)), cost(whole) - 1, cost(whole)];
  for (const tokens of budgets) {
    const contexts = dependencyContext(tokenizer, tokens).prepare(repo);
    const some = contexts.contextFor({ file: 'test_a.py', prefix });
    assert.ok(cost(some) <= tokens, `${cost(some)} of ${tokens} tokens`);
    assert.equal(blocksOf(some).flatMap(([, text]) => text.match(/^def/gm) ?? []).length + (contexts.leftOut.over_budget ?? 0), names.length);
    assert.equal(some === whole, tokens === cost(whole));
  }
});
