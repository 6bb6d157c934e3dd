import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { findAssertions } from '../../lib/dist/data/assertions/index.js';
import { openParser, parsePython, PythonSource } from '../../lib/dist/data/python.js';

const FIXTURES = 'test/fixtures/assertions';
const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';

before(openParser);

/** `family start end` of every target the library finds. */
function targets(source: PythonSource): string[] {
  const tree = parsePython(source);
  const found = findAssertions(source, tree).flatMap(({ family, cut }) =>
    typeof cut === 'string' ? [] : [`${family} ${source.byteOf(cut.start)} ${source.byteOf(cut.end)}`]);
  tree.delete();
  return found;
}

/** The same by Python's `ast`, one list a file; null where Python cannot parse it. */
function oracle(files: string[]): (string[] | null)[] {
  const { stdout, stderr, status } = spawnSync(python, ['test/data/oracle.py'],
    { input: files.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 30 });
  assert.equal(status, 0, stderr);
  return stdout.trim().split('\n').map((line) =>
    (JSON.parse(line) as [string, number, number][] | null)?.map((row) => row.join(' ')) ?? null);
}

function decode(file: string): PythonSource {
  const source = PythonSource.decode(readFileSync(file));
  assert.ok(source, `${file} is UTF-8`);
  return source;
}

function texts(file: string): string[] {
  const bytes = readFileSync(file);
  return targets(decode(file)).map((target) => {
    const [, start, end] = target.split(' ');
    return bytes.subarray(Number(start), Number(end)).toString();
  });
}

test('finds the same targets at the same bytes as Python’s ast', () => {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.py') && !/^(make|latin1|broken|type_params|except_star)/.test(name));
  assert.ok(names.length >= 11);
  const expected = oracle(names.map((name) => join(FIXTURES, name)));
  names.forEach((name, i) => {
    assert.ok(expected[i]?.length, `${name}: the oracle finds targets`);
    assert.deepEqual(new Set(targets(decode(join(FIXTURES, name)))), new Set(expected[i]), name);
  });
});

test('understands syntax newer than the Python that runs the tests', () => {
  assert.deepEqual(texts(join(FIXTURES, 'type_params.py')), ['T(1)', 'f"{self.value["key"]}")']);
  assert.deepEqual(texts(join(FIXTURES, 'except_star.py')), ['1', '2 + 0']);
});

test('a file that is not UTF-8 has no source', () => {
  assert.equal(PythonSource.decode(readFileSync(join(FIXTURES, 'latin1.py'))), null);
});

test('says why an assertion gives no target', () => {
  const source = decode(join(FIXTURES, 'families.py'));
  const tree = parsePython(source);
  const reason = new Map(findAssertions(source, tree).map(({ node, cut }) => [node.text, cut]));
  tree.delete();
  assert.equal(reason.get('assert not helper(2) == 5'), 'not_comparison');
  assert.equal(reason.get('self.assertEqual(self.value)'), 'too_few_arguments');
  assert.equal(reason.get('self.assertTrue(self.value, "message")'), 'not_literal');
  assert.equal(reason.get('self.assertRaises(ValueError, int, "x")'), 'not_literal');
  assert.equal(reason.get('pytest.raises(expected_exception=ValueError)'), 'too_few_arguments');
  assert.equal(reason.has('np.testing.assert_(True)'), false);
  assert.equal(reason.has('mocker.mock.assert_called_with(1)'), false);
});

test('agrees with Python’s ast on an installed package’s tests', { skip: !existsSync('.venv') && 'no .venv' }, (t) => {
  const packages = readdirSync('.venv/lib').map((name) => join('.venv/lib', name, 'site-packages'))
    .flatMap((site) => ['numpy/lib/tests', 'tornado/test', 'h5py/tests'].map((name) => join(site, name)))
    .filter((path) => existsSync(path));
  const files = packages.flatMap((path) =>
    readdirSync(path).filter((name) => name.endsWith('.py')).map((name) => join(path, name)));
  if (files.length === 0) return t.skip('no package with tests is installed');
  let agreed = 0;
  const differences: string[] = [];
  oracle(files).forEach((expected, i) => {
    if (!expected) return;
    const found = new Set(targets(decode(files[i]!)));
    for (const target of expected) {
      if (found.delete(target)) agreed++;
      else differences.push(`${files[i]} ${target}: only ast`);
    }
    differences.push(...[...found].map((target) => `${files[i]} ${target}: only here`));
  });
  t.diagnostic(`${agreed} targets agree, ${differences.length} differ`);
  assert.ok(agreed / (agreed + differences.length) >= 0.995, differences.slice(0, 10).join('\n'));
});
