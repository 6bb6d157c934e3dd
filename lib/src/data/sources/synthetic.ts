/**
 * Small made-up Python repositories, each with conventions of its own (names, sentinel, status words, limits) that its
 * tests assert. For the smoke profile and for tests: the same seed gives the same bytes.
 */
import { Random } from '../../store/random.js';
import type { CrossRepoSplit, Repository, SourceFile } from '../types.js';

const nouns = ['order', 'packet', 'ticket', 'sensor', 'record', 'parcel', 'session', 'invoice', 'signal', 'cursor'];
const verbs = ['load', 'merge', 'parse', 'send', 'scan', 'close', 'split', 'render'];
const sentinels = ['None', '-1', "''", 'MISSING', '[]', '0'];
const words = [['ok', 'failed'], ['done', 'error'], ['passed', 'broken'], ['green', 'red'], ['success', 'failure']] as const;
const errors = ['Error', 'Failure', 'Problem', 'Fault'];
const styles = ['pytest', 'unittest'] as const;

export function syntheticRepositories(count: number, seed: number): Repository[] {
  return Array.from({ length: count }, (_, i) => {
    const split: CrossRepoSplit = i % 6 === 4 ? 'cr_val' : i % 3 === 2 ? 'cr_test' : 'train';
    return repository(`synthetic-${String(i).padStart(2, '0')}`, split, new Random(seed * 1009 + i));
  });
}

function repository(id: string, split: CrossRepoSplit, random: Random): Repository {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const own = {
    error: pick(errors), sentinel: pick(sentinels), words: pick(words), limit: 8 * (1 + random.below(9)),
    prefix: pick(['make', 'build', 'new', 'create']), style: pick(styles),
  };
  const modules = random.shuffle(nouns).slice(0, 4).map((noun) => ({ noun, verbs: random.shuffle(verbs).slice(0, 3) }));
  const files: SourceFile[] = [];
  const add = (path: string, lines: string[]) => files.push({ path, bytes: Buffer.from(`${lines.join('\n')}\n`) });
  const capital = (s: string) => s[0]!.toUpperCase() + s.slice(1);
  for (const { noun, verbs: actions } of modules) {
    const name = capital(noun), error = `${name}${own.error}`;
    add(`pkg/${noun}.py`, [
      `"""The ${noun}s of this package."""`, 'MISSING = object()', `LIMIT = ${own.limit}`, '', '',
      `class ${error}(Exception):`, `    """Raised when a ${noun} is not valid."""`, '', '',
      `class ${name}:`, '    def __init__(self, size=1):', '        if size > LIMIT:', `            raise ${error}(size)`,
      '        self.size = size', `        self.status = '${own.words[0]}'`, '', '    def find(self, key):',
      `        return ${own.sentinel}`, '',
      ...actions.flatMap((verb) => [`    def ${verb}(self, flag=True):`, `        return '${own.words[0]}' if flag else '${own.words[1]}'`, '']),
      '', `def ${own.prefix}_${noun}(size=1):`, `    return ${name}(size)`,
    ]);
    const header = ['import pytest', 'import unittest', `from pkg.${noun} import LIMIT, MISSING, ${name}, ${error}, ${own.prefix}_${noun}`, '', ''];
    const size = 1 + random.below(7);
    const facts: [call: string, value: string][] = [
      ...actions.flatMap((verb): [string, string][] => [[`item.${verb}()`, `'${own.words[0]}'`], [`item.${verb}(False)`, `'${own.words[1]}'`]]),
      ["item.find('x')", own.sentinel], ['item.size', String(size)], ['item.status', `'${own.words[0]}'`], ['LIMIT', String(own.limit)],
    ];
    add(`tests/test_${noun}.py`, own.style === 'pytest'
      ? [...header, ...facts.flatMap(([call, value], i) => [`def test_${noun}_${i}():`, `    item = ${own.prefix}_${noun}(${size})`, `    assert ${call} == ${value}`, '', '']),
        `def test_${noun}_limit():`, `    with pytest.raises(${error}):`, `        ${name}(${own.limit + 1})`]
      : [...header, `class Test${name}(unittest.TestCase):`, ...facts.flatMap(([call, value], i) =>
          [`    def test_${noun}_${i}(self):`, `        item = ${own.prefix}_${noun}(${size})`, `        self.assertEqual(${call}, ${value})`, '']),
        `    def test_${noun}_limit(self):`, `        with self.assertRaises(${error}):`, `            ${name}(${own.limit + 1})`]);
  }
  return { id, version: '0', licence: 'MIT', split, files };
}
