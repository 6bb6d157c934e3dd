import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTestFile, sourceFiles, testFiles } from '../../lib/dist/data/tests-files.js';
import type { Repository } from '../../lib/dist/data/types.js';

test('a test is told by its path or by its content', () => {
  for (const path of ['tests/a.py', 'pkg/testing/a.py', 'pkg/a_test.py', 'Test/a.py', 'conftest.py']) {
    assert.ok(isTestFile(path, 'x = 1'), path);
  }
  for (const text of [
    'import pytest', 'import os, pytest', 'from unittest import mock', 'x = unittest.TestCase', 'def test_x(): pass',
    '    async def test_x(): pass', 'class MyTest: pass', 'class TestIt(Base): pass',
  ]) assert.ok(isTestFile('pkg/a.py', text), text);
  for (const text of ['import pytester', 'x = 1  # tested', 'def attest(): pass', 'class Text: pass', 'def tests(): pass']) {
    assert.ok(!isTestFile('pkg/a.py', text), text);
  }
  assert.ok(!isTestFile('tests/data.md', 'import pytest'));
});

test('no test is a source, and folders of others’ code are neither', () => {
  const files = {
    'pkg/a.py': 'x = 1', 'pkg/b.py': 'import pytest', 'tests/c.py': 'x = 1', 'README.md': '# Demo', 'tests/data.md': 'x',
    'venv/d.py': 'x = 1', 'node_modules/test_e.py': 'x = 1', 'docs/f.rst': 'import pytest', 'pkg/g.txt': 'x', 'env.py': 'x = 1',
  };
  const repo: Repository = {
    id: 'demo', commit: '1', licence: 'MIT', split: 'train',
    files: Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
  };
  repo.files.push({ path: 'pkg/latin1.py', bytes: Uint8Array.from([0xe9]) });
  const paths = (chosen: typeof repo.files): string[] => chosen.map(({ path }) => path);
  assert.deepEqual(paths(testFiles(repo)), ['pkg/b.py', 'tests/c.py']);
  assert.deepEqual(paths(sourceFiles(repo)), ['pkg/a.py', 'env.py', 'pkg/latin1.py']);
  assert.deepEqual(paths(sourceFiles(repo, { docs: true })), ['pkg/a.py', 'README.md', 'docs/f.rst', 'env.py', 'pkg/latin1.py']);
});
