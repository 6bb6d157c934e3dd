/** Contexts know nothing of the answer, and nothing that a repository holds makes them fail. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { ContextMethod, Question } from '../../lib/dist/context/context.js';
import { denseRetrieval, RAG_V1 } from '../../lib/dist/context/dense.js';
import { dependencyContext } from '../../lib/dist/context/dependency/dependency-context.js';
import { hybridRetrieval } from '../../lib/dist/context/hybrid.js';
import { openParser } from '../../lib/dist/data/python.js';
import { syntheticRepositories } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import { curateStatic } from '../../lib/dist/data/static-track.js';
import { isTestFile } from '../../lib/dist/data/tests-files.js';
import type { Repository, Task } from '../../lib/dist/data/types.js';
import { Random } from '../../lib/dist/store/random.js';
import { blocksOf, countOf, repository, tokenizer } from './repositories.js';

before(openParser);

const embed = countOf(['def ', 'return', 'order', 'user', 'message', 'None', '==', 'raise']);
const METHODS: Record<string, ContextMethod> = {
  'RAG V1': denseRetrieval(embed, tokenizer, { ...RAG_V1, tokens: 64, overlap: 8 }),
  'RAG V2': hybridRetrieval(embed, tokenizer),
  DRC: dependencyContext(tokenizer, 4_096),
};

/** A task that fails the test when anything but its file and prefix is read. */
function guarded(task: Task): Question {
  return new Proxy(task, {
    get(target, key) {
      assert.ok(key === 'file' || key === 'prefix', `${String(key)} was read`);
      return target[key];
    },
  });
}

/** The repository with nothing in its tests. */
function withoutTests(repo: Repository): Repository {
  return {
    ...repo,
    files: repo.files.map((file) => (file.path.startsWith('tests/') ? { ...file, bytes: Buffer.from('import pytest\n') } : file)),
  };
}

test('contexts come from file and prefix alone, never from a test, whatever the tests say', () => {
  const repos = syntheticRepositories(4, 3407);
  for (const [name, method] of Object.entries(METHODS)) {
    let shown = 0;
    for (const repo of repos) {
      const { tasks } = curateStatic(repo, { seed: 1, maxTasks: 40 });
      assert.ok(tasks.length > 10);
      const contexts = method.prepare(repo), blind = method.prepare(withoutTests(repo));
      for (const task of tasks) {
        const context = contexts.contextFor(guarded(task));
        assert.equal(context, blind.contextFor(task), `${name}: ${task.id}`);
        const line = task.prefix.slice(task.prefix.lastIndexOf('\n') + 1) + task.target;
        assert.ok(!context.includes(line.trim()), `${name}: ${line}`);
        for (const [path] of blocksOf(context)) {
          assert.notEqual(path, task.file);
          assert.ok(!isTestFile(path, ''), path);
        }
        if (context) shown++;
      }
    }
    assert.ok(shown > 40, `${name}: ${shown} contexts`);
  }
});

test('a conftest.py that holds the task is not shown to it', () => {
  const conftest = 'import pytest\nfrom conftest import total\n\n\n@pytest.fixture\ndef basket():\n    return 3\n\n\ndef total(x):\n    return x\n\n\ndef test_basket(basket):\n    assert total(basket) == 3\n';
  const contexts = METHODS['DRC']!.prepare(repository({ 'conftest.py': conftest }));
  const prefix = conftest.slice(0, conftest.lastIndexOf('3'));
  assert.equal(contexts.contextFor({ file: 'conftest.py', prefix }), '');
  assert.notEqual(contexts.contextFor({ file: 'test_other.py', prefix }), '');
});

const HOSTILE = repository({
  'pkg/__init__.py': 'from . import *\nfrom .a import *\nfrom .b import *\nfrom pkg import pkg\nfrom .pkg import pkg as pkg\n',
  'pkg/a.py': 'from .b import x, y as x, *\nfrom .b import\nclass (\n  def broken(self:\n\tx = [\n',
  'pkg/b.py': 'from .a import *\nfrom .a import x\r\nclass Ünïcode_ß:\r\n    """Döc.\r\n    more"""\r\n    def ñ(self, 変数="🙂"): return 1\r\n',
  'pkg/crlf.py': 'def crlf(a,\r\n         b):\r\n    """One.\r\n\r\n    Two."""\r\n    return a\r\n\r\nold = 1\rmac = 2\r',
  'pkg/bom.py': Buffer.from('\ufeffdef marked():\n    return 1\n'),
  'pkg/latin.py': Buffer.from([0x78, 0x20, 0x3d, 0x20, 0x27, 0xe9, 0x27]),
  'pkg/nul.py': 'x = "\0"\ndef after_nul(): ...\n',
  'pkg/empty.py': '', 'pkg/deep.py': `${'('.repeat(3_000)}\n`, 'pkg/nested.py': Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}if x:`).join('\n'),
  'pkg/huge.py': `table = [${'0, '.repeat(800_000)}]\n`, 'pkg/line.py': `text = "${'x'.repeat(300_000)}"\n`,
  'a\nb.py': 'newline = 1\n', 'README.md': '# Title\n\n```python\nx = 1\n```\n', 'pkg/notes.rst': '\ud800 lone',
  'tests/conftest.py': 'import pytest\n@pytest.fixture(\ndef broken(\n',
});
const HOSTILE_PREFIX = 'from pkg import *\nfrom pkg.a import x, broken\nfrom pkg.b import Ünïcode_ß\nimport pkg.crlf as c, pkg.line, pkg.latin, pkg.huge\nfrom pkg.bom import marked\n'
  + 'from ....... import up\nfrom .. import up2\nfrom pkg import pkg\n\nclass TestX:\n    def test_it(self, broken, fixture):\n        """Döc 🙂"""\n'
  + '        c.crlf(1, 2)\n        pkg.line.text; pkg.latin.x; pkg.huge.table\n        marked(pkg)\n        assert Ünïcode_ß().ñ(x, up, up2) == [1, {"a": ';

test('broken, circular, huge and strange files: nothing throws, and what was left out is counted', () => {
  for (const [name, method] of Object.entries(METHODS)) {
    const contexts = method.prepare(HOSTILE);
    const context = contexts.contextFor({ file: 'tests/test_x.py', prefix: HOSTILE_PREFIX });
    assert.ok(context.includes('Ünïcode_ß'), `${name}: ${context}`);
    assert.ok(!context.includes('\r') && !context.includes('\ufeff'));
    // The huge file alone fills RAG V1's chunks, in front of the one that is not UTF-8.
    const { not_utf8, too_large, over_limit } = contexts.leftOut;
    assert.deepEqual([not_utf8, too_large, over_limit !== undefined], name === 'RAG V1' ? [undefined, undefined, true] : [1, 1, false], name);
    for (const prefix of ['', ' ', '\n\n', ')', '🙂', '\ud83d', '\r\n', 'import', 'from', 'from . import', 'import pkg\r\nassert pkg.crlf.crlf(\r\n', '"""']) {
      assert.equal(typeof contexts.contextFor({ file: 'x.py', prefix }), 'string');
    }
  }
});

test('prefixes cut and mixed at random never throw', () => {
  const random = new Random(3407);
  for (const method of Object.values(METHODS)) {
    const contexts = method.prepare(HOSTILE);
    for (let i = 0; i < 60; i++) {
      const from = random.below(60), pieces = HOSTILE_PREFIX.slice(from, from + random.below(HOSTILE_PREFIX.length)).split(' ');
      const prefix = (i % 2 ? random.shuffle(pieces) : pieces).join(' ');
      assert.equal(typeof contexts.contextFor({ file: 'tests/test_x.py', prefix }), 'string');
    }
  }
});
