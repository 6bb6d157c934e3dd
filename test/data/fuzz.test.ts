/** Ten thousand damaged Python files: cutting never throws, and every task is true to the bytes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { candidatesOf, taskFields } from '../../lib/dist/data/candidates.js';
import { checkTask } from './check-task.js';
import { identify } from '../../lib/dist/data/evolution/identity.js';
import { openParser, PythonSource } from '../../lib/dist/data/python.js';
import type { Task } from '../../lib/dist/data/types.js';
import { Random } from '../../lib/dist/store/random.js';

const FIXTURES = 'test/fixtures/assertions';
const SNIPPETS = [
  'import pytest\n\ndef test_a(x):\n    y = x[1:]\n    assert y == "é\\n", f"{x}"\n    assert (a,\n            b) in {1: [2]}\n',
  'class TestA(T):\n\tdef setUp(self):\n\t\tself.a = 1\n\n\tdef test_b(self):\n\t\tself.assertEqual(f(1, 2), """a\nb""")\n\t\twith pytest.raises(E, match=r"\\d"): f()\n',
  'async def test_c():\n    assert await f() == pytest.approx(1e-3, abs=1)\n    np.testing.assert_allclose(a, b[0](1))\n    assert x and \\\n      y is not None\n',
  'def test_d():\r\n  def test_e(): assert 1 < 2 < 3; assert not x\r\n  assert [i for i in y if (lambda z: z)(i)] == [\r\n    1,  # one\r\n    ]\r\n',
];
const TOKENS = ['assert ', 'def test_x():\n', '(', ')', '[', ']', '{', '}', '"', "'", '"""', '\\\n', '\n', '\r', '\r\n', '\t', '  ', '\f', '#', ',', ':', '==',
  'self.assertEqual(', 'pytest.raises(', 'pytest.approx(', 'assert_equal(', 'f"{', '\u2028', '\ufeff', 'é', '😀', '\0', 'lambda: ', 'await ', 'class TestY:\n', 'if x:\n', '@'];

before(openParser);

test('10,000 mutated files', () => {
  const random = new Random(20_250_401);
  const seeds = [...SNIPPETS.map((text) => Buffer.from(text)), ...readdirSync(FIXTURES).filter((name) => name.endsWith('.py') && name !== 'make.py').map((name) => readFileSync(join(FIXTURES, name)))
    .flatMap((bytes) => [bytes.subarray(0, 700), bytes.subarray(-700)])];
  let tasks = 0, undecodable = 0;
  for (let i = 0; i < 10_000; i++) {
    let bytes: Buffer = seeds[random.below(seeds.length)]!;
    for (let n = 1 + random.below(6); n > 0; n--) bytes = mutate(bytes, seeds, random);
    const source = PythonSource.decode(bytes);
    if (!source) {
      undecodable++;
      continue;
    }
    for (const plain of [false, true]) {
      const items = candidatesOf('test_x.py', source, plain);
      for (const identity of ['assertion', 'full-prefix'] as const) assert.equal(identify(items, source, identity).length, items.length);
      for (const item of items) {
        if ('reason' in item) continue;
        for (const prefix of ['structured', 'full-file'] as const) {
          assert.equal(checkTask(taskFields(item, prefix) as Task, bytes), null, JSON.stringify({ i, prefix, target: item.target, text: bytes.toString() }));
          tasks++;
        }
      }
    }
  }
  assert.ok(tasks > 30_000 && undecodable > 100 && undecodable < 5000, `${tasks} tasks, ${undecodable} files that are not UTF-8`);
});

function mutate(bytes: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  const at = random.below(bytes.length + 1), to = Math.min(bytes.length, at + random.below(20));
  const insert = (middle: Buffer, end = at): Buffer => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
  switch (random.below(8)) {
    case 0: return insert(Buffer.from([random.below(random.below(8) ? 128 : 256)]));
    case 1: return insert(Buffer.alloc(0), to);
    case 2: return insert(bytes.subarray(at, to));
    case 3: return bytes.subarray(0, Math.max(1, at));
    case 4: {
      const other = seeds[random.below(seeds.length)]!;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length))]).subarray(0, 1500);
    }
    default: return insert(Buffer.from(TOKENS[random.below(TOKENS.length)]!), random.below(2) ? at : to);
  }
}
