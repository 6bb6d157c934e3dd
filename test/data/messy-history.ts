/** A made-up history in which all happens that happens to test files: edits, moves, renames, merges, odd bytes. Seeded. */
import { Random } from '../../lib/dist/store/random.js';
import type { Content, TestCommit } from './git-repositories.js';

interface TestFunction {
  name: string;
  statements: string[];
  /** In a block of its own, so one step further in. */
  deep: boolean;
}

interface TestFile {
  top: string[];
  className?: string;
  functions: TestFunction[];
  encoding: 'lf' | 'crlf' | 'cr' | 'bom' | 'latin1';
  broken: boolean;
}

const HEADER = ['import pytest', 'import numpy as np', 'from shop import basket, price'];

/** Statements by a number; few numbers, so that equal assertions come up in one function and elsewhere. */
const STATEMENTS: ((n: number) => string)[] = [
  (n) => `assert basket.total(${n}) == ${n * 3}`,
  (n) => `assert price["apple"] <= ${n} < 90`,
  (n) => `assert basket.has(${n})`,
  (n) => `assert not basket.lost, "basket ${n}"`,
  (n) => `self.assertEqual(basket.name, 'größe ${n} 😀')`,
  (n) => `self.assertRaises(ValueError, basket.take, ${n})`,
  (n) => `with pytest.raises(KeyError, match="no ${n}"):\n    basket.take(${n})`,
  (n) => `assert price.mean() == pytest.approx(${n}.5, rel=1e-${n + 1})`,
  (n) => `np.testing.assert_allclose(price.all(), [${n}, ${n + 1}])`,
  (n) => `assert basket.items == {\n    "a": ${n},\n    "b": [1, 2],\n}`,
  (n) => `assert basket.count == (${n}  # how many\n    + 1)`,
  (n) => `basket.add(${n})`,
  (n) => `x = """\n  text   ${n}\n"""; assert x.strip() == f"text   {${n}}"`,
];

const PATHS = ['tests/test_basket.py', 'tests/unit/test_price.py', 'test_top.py', 'venv/lib/test_skipped.py', 'tests/Größe und Maß.py', 'src/checks.py'];

/** Versions of this file may not parse, so what is said of it cannot be compared. */
export const BROKEN = 'tests/test_broken.py';

/** About `count` commits. */
export function messyHistory(count: number, seed: number): TestCommit[] {
  const random = new Random(seed);
  const files = new Map<string, TestFile>();
  const deleted: [string, TestFile][] = [];
  const commits: TestCommit[] = [];
  let names = 0;

  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const statement = (): string => pick(STATEMENTS)(random.below(9));
  const newFunction = (): TestFunction => ({ name: `test_${++names}`, deep: false, statements: Array.from({ length: 1 + random.below(6) }, statement) });
  const newFile = (): TestFile => ({
    top: [...HEADER], ...(random.below(2) && { className: `TestShop${++names}` }), encoding: 'lf', broken: false,
    functions: Array.from({ length: 1 + random.below(3) }, newFunction),
  });
  const anyPath = (): string => pick([...files.keys()].filter((path) => path !== BROKEN));
  const edit = (file: TestFile): void => {
    const fn = pick(file.functions);
    const at = random.below(fn.statements.length + 1);
    const act = random.below(11);
    if (act < 3) fn.statements.splice(at, 0, statement());
    else if (act < 5 && fn.statements.length > 1) fn.statements.splice(at, 1, statement());
    else if (act === 5 && fn.statements.length > 1) fn.statements.splice(at, 1);
    else if (act === 6) fn.statements.splice(at, 0, ...fn.statements.splice(random.below(fn.statements.length), 1));
    else if (act === 7) fn.deep = !fn.deep;
    else if (act === 8) file.top.push(`LIMIT_${++names} = ${names}`);
    else if (act === 9) file.functions.push(newFunction());
    else file.encoding = pick(['lf', 'crlf', 'cr', 'bom', 'latin1'] as const);
  };

  for (const path of [...PATHS, BROKEN]) files.set(path, newFile());
  commits.push({ files: { ...write(files), 'src/shop.py': 'basket = 1\n', 'README.md': '# Shop\n' } });
  for (let i = 1; commits.length < count; i++) {
    const changed: Record<string, Content> = { 'src/shop.py': `basket = ${i}\n` };
    const show = (...paths: string[]): void => { for (const path of paths) changed[path] = files.has(path) ? bytesOf(files.get(path)!, path) : null; };
    const act = random.below(16);
    const path = anyPath();
    if (act < 7) {
      for (let n = 1 + random.below(3); n > 0; n--) {
        const other = anyPath();
        edit(files.get(other)!);
        show(other);
      }
    } else if (act < 9) {
      const to = `${pick(['tests', 'tests/deep/er', 'lib', '.venv'])}/test_moved_${++names}.py`;
      const file = files.get(path)!;
      files.delete(path);
      files.set(to, file);
      if (random.below(2)) edit(file);
      show(path, to);
    } else if (act === 9) {
      const other = anyPath(), a = files.get(path)!, b = files.get(other)!;
      files.set(path, b).set(other, a);
      show(path, other);
    } else if (act === 10 && files.size > 4) {
      deleted.push([path, files.get(path)!]);
      files.delete(path);
      show(path);
    } else if (act === 11 && deleted.length) {
      const [back, file] = deleted.pop()!;
      files.set(back, file);
      show(back);
    } else if (act === 12) {
      const file = files.get(BROKEN)!;
      edit(file);
      file.broken = random.below(2) === 0;
      show(BROKEN);
    } else if (act === 13) {
      const added = `src/part_${++names}.py`;
      // The first version holds an assert and yet is no test; a later edit makes it one.
      changed[added] = 'def check(x):\n    assert x == 1\n';
      files.set(added, newFile());
    } else if (act === 14) {
      delete changed['src/shop.py'];
    } else {
      // A side branch changes one file twice and is merged; the first parent sees it as one change.
      const head = commits.length - 1;
      const file = files.get(path)!;
      for (let n = 0; n < 2; n++) {
        edit(file);
        commits.push({ ...(n === 0 && { from: head }), files: { [path]: bytesOf(file, path) } });
      }
      commits.push({ from: head, merge: [commits.length - 1], files: { [path]: bytesOf(file, path) } });
      continue;
    }
    commits.push({ files: changed });
  }
  return commits;
}

function write(files: Map<string, TestFile>): Record<string, Content> {
  return Object.fromEntries([...files].map(([path, file]) => [path, bytesOf(file, path)]));
}

function bytesOf({ top, className, functions, encoding, broken }: TestFile, path: string): Buffer {
  const lines = [...top, ''];
  if (className) lines.push(`class ${className}:`);
  const outer = className ? '    ' : '';
  for (const { name, deep, statements } of functions) {
    lines.push(`${outer}def ${name}(self):`);
    const inner = `${outer}    ${deep ? '    ' : ''}`;
    if (deep) lines.push(`${outer}    if basket:`);
    // Text inside a literal stays where it is.
    for (const text of statements) lines.push(...text.split('\n').map((line) => (text.includes('"""') && line !== text.split('\n')[0] ? line : inner + line)));
    lines.push(`${inner}pass`);
  }
  if (broken) lines.splice(random(lines.length, path), 0, 'def (:');
  const text = `${lines.join(encoding === 'crlf' ? '\r\n' : encoding === 'cr' ? '\r' : '\n')}\n`;
  if (encoding === 'latin1') return Buffer.from(`# \u00e4\n${text}`, 'latin1');
  return Buffer.from(encoding === 'bom' ? `\ufeff${text}` : text);
}

/** Where the fault is put: anywhere, the same for the same file. */
function random(length: number, path: string): number {
  return new Random(length * 31 + path.length).below(length);
}
