/** Retrieved contexts: what is cut into chunks, what is found, in which order it stands, and what does not fit. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { Bm25, words } from '../../lib/dist/context/bm25.js';
import { Room } from '../../lib/dist/context/room.js';
import { tokenChunks } from '../../lib/dist/context/chunks.js';
import { type LeftOut, SEPARATOR, withContext } from '../../lib/dist/context/context.js';
import { denseRetrieval, RAG_V1 } from '../../lib/dist/context/dense.js';
import { EmbeddingIndex, queryOf } from '../../lib/dist/context/embeddings.js';
import { fuse } from '../../lib/dist/context/fusion.js';
import { hybridRetrieval, RAG_V2 } from '../../lib/dist/context/hybrid.js';
import { definitions, pythonChunks } from '../../lib/dist/context/python-chunks.js';
import { openParser } from '../../lib/dist/data/python.js';
import { blocksOf, countOf, oracle, repository, tokenizer } from './repositories.js';

before(openParser);

const count = (text: string): number => tokenizer.encode(text).length;
const lines = (n: number, of: (i: number) => string): string => Array.from({ length: n }, (_, i) => of(i)).join('\n');

test('BM25 gives the scores of the formula', () => {
  const cases = JSON.parse(readFileSync('test/fixtures/context/bm25.json', 'utf8')) as
    { documents: string[][]; query: string[]; scores: number[] }[];
  assert.equal(cases.length, 12);
  assert.ok(cases.some(({ scores }) => Math.max(...scores) > 5));
  for (const { documents, query, scores } of cases) {
    const found = new Bm25(documents).scores(query);
    scores.forEach((score, i) => { assert.ok(Math.abs(found[i]! - score) < 1e-9, `${found[i]} is not ${score}`); });
  }
});

test('no documents, or only empty ones, score nothing', () => {
  assert.deepEqual([...new Bm25([]).scores(['a'])], []);
  assert.deepEqual([...new Bm25([[], []]).scores(['a'])], [0, 0]);
});

test('words are names and numbers of any script, in lower case', () => {
  assert.deepEqual(words('self.Größe_2 = __init__(3.5, "naïve")'), ['self', 'größe_2', '__init__', '3', '5', 'naïve']);
});

test('reciprocal rank fusion, by hand', () => {
  // 7: 1/61 + 1/63 = .032266; 3: 1/62 + 1/61 = .032522; 5: 1/63 = .015873; 9: 1/62 = .016129
  assert.deepEqual(fuse([[7, 3, 5], [3, 9, 7]]), [3, 7, 9, 5]);
  assert.deepEqual(fuse([[4, 2], [2, 4]]), [2, 4]);
  assert.deepEqual(fuse([[], [6]]), [6]);
});

test('the nearest texts by cosine, whatever their length; zero vectors come last', () => {
  const index = new EmbeddingIndex(['', 'aaab', 'ab', 'abbbbbb', 'aaaaaabb'], countOf(['a', 'b']));
  // Cosines with (1, 0): 0, 3/√10 = .949, 1/√2 = .707, 1/√37 = .164, 6/√40 = .949
  assert.deepEqual(index.nearest('a', 5), [1, 4, 2, 3, 0]);
  assert.deepEqual(index.nearest('bb', 2), [3, 2]);
  assert.deepEqual(new EmbeddingIndex([], () => assert.fail('nothing to embed')).nearest('a', 3), []);
});

test('the query is the end of the prefix', () => {
  assert.equal(queryOf(`${'x'.repeat(3_000)}y`), `${'x'.repeat(1_999)}y`);
  assert.equal(queryOf(`🙂${'x'.repeat(1_999)}`), 'x'.repeat(1_999));
  assert.equal(queryOf(` \n${' '.repeat(2_500)}`), '');
});

test('chunks are windows of tokens with an overlap, and say where they are from', () => {
  const text = lines(60, (i) => `value_${i} = compute(${i}, "ä🙂")`);
  const repo = repository({
    'b.py': text, 'a.md': 'Read me.\r\n', 'c.rst': 'Title\n=====\n', 'empty.py': ' \n', 'data.txt': 'no',
    'tests/test_b.py': 'secret = 1\n', 'd.py': 'import pytest\n', 'latin.py': Buffer.from([0x23, 0xe9]),
  });
  const leftOut: LeftOut = {};
  const options = { tokens: 64, overlap: 16, maxChunks: 300, maxFiles: 500 };
  const chunks = tokenChunks(repo, tokenizer, options, leftOut);
  const ids = tokenizer.encode(text);
  const windows: string[] = [];
  for (let at = 0; at === 0 || at + 16 < ids.length; at += 48) windows.push(tokenizer.decode(ids.slice(at, at + 64)));
  assert.ok(windows.length > 10);
  assert.equal(chunks[0], '# a.md\nRead me.');
  assert.equal(chunks.at(-1), '# c.rst\nTitle\n=====');
  assert.equal(chunks.length, windows.length + 2);
  windows.forEach((window, i) => {
    assert.equal(chunks[i + 1], `# b.py\n${window.replace(/^\ufffd+|\ufffd+$/g, '').replace(/^\n+/, '').trimEnd()}`);
  });
  assert.ok(!chunks.join('').includes('\ufffd'));
  assert.deepEqual(leftOut, { not_utf8: 1 });
  // The chunks hold the whole text.
  for (const line of text.split('\n')) assert.ok(chunks.some((chunk) => chunk.includes(line)), line);
});

test('what is behind the limits of chunks and files is counted', () => {
  const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.py`, lines(20, (i) => `${name}_${i} = ${i}`)]));
  const options = { tokens: 32, overlap: 8, maxChunks: 300, maxFiles: 500 };
  const all = tokenChunks(repository(files), tokenizer, options, {});
  const perFile = all.length / 4;
  assert.ok(Number.isInteger(perFile) && perFile > 2);
  const some: LeftOut = {};
  assert.deepEqual(tokenChunks(repository(files), tokenizer, { ...options, maxChunks: perFile + 1 }, some), all.slice(0, perFile + 1));
  assert.deepEqual(some, { over_limit: 3 });
  const few: LeftOut = {};
  assert.deepEqual(tokenChunks(repository(files), tokenizer, { ...options, maxFiles: 1 }, few), all.slice(0, perFile));
  assert.deepEqual(few, { over_limit: 3 });
});

const fruit = repository({
  'apples.py': 'apple = "apple apple"\n', 'mixed.py': 'apple = "pear"\n', 'pears.md': 'pear pear pear\n', 'stones.py': 'stone = 1\n',
  'tests/test_fruit.py': 'apple apple apple\n',
});
const embedFruit = countOf(['apple', 'pear', 'stone']);

test('RAG V1: the nearest chunks, the best one next to the prefix', () => {
  const contexts = denseRetrieval(embedFruit, tokenizer, { ...RAG_V1, k: 2 }).prepare(fruit);
  const context = contexts.contextFor({ file: 'tests/test_fruit.py', prefix: 'assert apple == ' });
  assert.equal(context, '# mixed.py\napple = "pear"\n\n\n# apples.py\napple = "apple apple"');
  assert.equal(withContext(context, 'assert apple == '), `${context}\n\n\nassert apple == `);
  assert.equal(withContext('', 'assert'), 'assert');
  assert.equal(contexts.contextFor({ file: 'tests/test_fruit.py', prefix: '\n' }), '');
  assert.deepEqual(contexts.leftOut, {});
});

test('RAG V1: only the last 2,000 characters of the prefix are searched for', () => {
  const contexts = denseRetrieval(embedFruit, tokenizer, { ...RAG_V1, k: 1 }).prepare(fruit);
  const prefix = `${'stone\n'.repeat(400)}${'#'.repeat(1_990)}pear`;
  assert.equal(contexts.contextFor({ file: 'tests/test_fruit.py', prefix }), '# pears.md\npear pear pear');
});

test('a repository with nothing to show gives empty contexts and embeds nothing', () => {
  const embed = (): never => assert.fail('nothing to embed');
  for (const method of [denseRetrieval(embed, tokenizer), hybridRetrieval(embed, tokenizer)]) {
    const contexts = method.prepare(repository({ 'tests/test_a.py': 'assert 1 == 1\n' }));
    assert.equal(contexts.contextFor({ file: 'tests/test_a.py', prefix: 'assert 1 == ' }), '');
  }
});

const SOURCES = [
  '"""Doc."""\nimport os\n\n@one\n@two(\n    3\n)\ndef first(a, *, b=2):\n    return a  # end\n\n# between\nasync def second():\n    """x"""\n    await it\n\n\n'
    + 'class Größe(Base, metaclass=M):\n\n    ä = "🙂"\n\n    def inner(self):\n        pass\n    # last\n\nif True:\n    def hidden(): ...\nvalue = 1\n',
  'def one_line(): return 1\nclass Empty: pass\n', 'x = 1\n', '', 'def last():\n    return """\nx\n"""',
  'def with_form_feed():\n    return 1\n\x0c\nclass After:\n    x = (1,\n         2)\n',
];

test('Python chunks are the top-level definitions that Python’s ast finds', () => {
  const modules = oracle<string[]>({ modules: ['json.decoder', 'argparse', 'textwrap', 'dataclasses', 'statistics', 'enum', 'typing'] });
  const texts = [...SOURCES, ...modules];
  const expected = oracle<([string, string][] | null)[]>({ definitions: texts });
  assert.ok(expected.flat().length > 200);
  texts.forEach((text, i) => {
    // A comment at the end of a body is no part of the tree for Python.
    const found = definitions('a.py', text).map(({ name, text: source }) => [name, source.replace(/(?:\n\s*(?:#.*)?)+$/, '')]);
    assert.deepEqual(found, expected[i]);
  });
});

test('Python chunks: long ones are cut by lines, broken files give what can be read, limits are counted', () => {
  const body = lines(900, (i) => `    x${i} = ${i}  # ${'-'.repeat(10)}`);
  const repo = repository({
    'a.py': `def long():\n${body}\n\ndef short():\n    pass\n`, 'b.py': 'def broken(:\n    x = (\n\nclass Fine:\n    a = 1\n',
    'c.py': 'def third(): ...\n', 'readme.md': 'def no(): ...\n', 'test_d.py': 'def no(): ...\n',
    'huge.py': `x = [\n${'1,\n'.repeat(700_000)}]\n`,
  });
  const leftOut: LeftOut = {};
  const chunks = pythonChunks(repo, Infinity, leftOut);
  assert.deepEqual(leftOut, { shortened: 1, too_large: 1 });
  const [long, short] = chunks;
  assert.ok(long && long.text.length <= 12_000 && long.text.length > 11_900);
  assert.ok(`def long():\n${body}`.startsWith(`${long.text}\n`));
  assert.equal(short?.text, 'def short():\n    pass');
  assert.ok(chunks.some(({ path }) => path === 'c.py'));
  assert.ok(chunks.every(({ path }) => ['a.py', 'b.py', 'c.py'].includes(path)));
  const some: LeftOut = {};
  assert.deepEqual(pythonChunks(repo, 1, some), [long]);
  assert.deepEqual(some, { shortened: 1, over_limit: 5 - 1 });
});

const shop = {
  'shop.py': [
    'def parse_apple(text):\n    return text', 'def paint_pear(pear):\n    return pear', 'def throw_stone(stone):\n    return stone',
    'def unrelated():\n    return 0',
  ].join('\n\n\n'),
};

test('RAG V2: words and embedding are fused, the best chunk stands next to the prefix', () => {
  const contexts = hybridRetrieval(countOf(['apple', 'pear']), tokenizer, { ...RAG_V2, k: 2 }).prepare(repository(shop));
  // By words throw_stone alone. By embedding paint_pear, then at cosine 0 parse_apple, throw_stone and unrelated.
  // Fused: throw_stone 1/61 + 1/63, paint_pear 1/61.
  const context = contexts.contextFor({ file: 'test_a.py', prefix: 'throw_stone(1) == pears' });
  assert.deepEqual(blocksOf(context).map(([, text]) => text.split('(')[0]), ['def paint_pear', 'def throw_stone']);
  assert.deepEqual(contexts.leftOut, {});
});

test('RAG V2: a chunk that does not fit is compressed, then cut, then left out', () => {
  const text = `class Apple:\n    size = 1\n\n    def bite(self):\n        """Take a bite."""\n${lines(40, (i) => `        self.x${i} = ${i}`)}\n`
    + lines(12, (i) => `    def method_${i}(self, apple): return ${i}`);
  const repo = repository({ 'apple.py': text });
  const context = (tokens: number): [string, LeftOut] => {
    const contexts = hybridRetrieval(embedFruit, tokenizer, { ...RAG_V2, budget: tokens }).prepare(repo);
    return [contexts.contextFor({ file: 'test_a.py', prefix: 'Apple().bite() == apple' }), contexts.leftOut];
  };
  const whole = `# apple.py\n${text}`;
  assert.deepEqual(context(count(whole + SEPARATOR)), [whole, {}]);
  const [short, counts] = context(count(whole + SEPARATOR) - 1);
  assert.match(short, /^# apple\.py\nclass Apple:\n {4}size = 1\n {4}def bite\(self\):\n {8}"""Take a bite\."""\n {8}\.\.\.\n {4}def method_0\(self, apple\): \.\.\.\n/);
  assert.match(short, /def method_11\(self, apple\): \.\.\.$/);
  assert.deepEqual(counts, { shortened: 1 });
  const [cut, cutCounts] = context(count(short + SEPARATOR) - 1);
  assert.ok(short.startsWith(`${cut}\n`) && cut.split('\n').length > 10);
  assert.deepEqual(cutCounts, { shortened: 1 });
  assert.deepEqual(context(count(`# apple.py${SEPARATOR}`)), ['', { over_budget: 1 }]);
});

test('the room of a context is exact: its blocks cost what they cost together', () => {
  const texts = ['# a.py\ndef f(x):\n    return (x)', 'class A: ...', 'x = "é🙂"', '@d\ndef g(): ...', '_y = {\n}', '# b/ü.md\n* item\n\n  1.'];
  const cost = count(texts.map((text) => text + SEPARATOR).join(''));
  for (const [tokens, fits] of [[cost, true], [cost - 1, false]] as const) {
    const room = new Room(tokens, tokenizer);
    assert.equal(texts.map((text) => room.take(text)).every(Boolean), fits);
  }
});

test('a block of which the header alone would fit takes none of the room', () => {
  const header = '# a/rather/long/path/of/a/module.py', small = '# b.py\nx = 1';
  const room = new Room(count(header + SEPARATOR), tokenizer);
  assert.equal(room.takeLines(`${header}\n${lines(9, (i) => `value_${i} = ${i}`)}`), null);
  assert.ok(room.take(small));
  assert.equal(new Room(1000, tokenizer).takeLines('# b.py\nx = 1\n'), small);
});
