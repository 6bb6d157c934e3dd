/**
 * Our tokenizer against Hugging Face's `tokenizers`: the same ids for 2,000 made-up texts (test/fixtures/tokenizer/make.py,
 * which holds the other half of the rule that makes them), and on request for 2,000 real files.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readArchive } from '../../lib/dist/data/archive.js';
import { sha256 } from '../../lib/dist/store/hash.js';
import { Random } from '../../lib/dist/store/random.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { fixturesPython, withoutPython } from '../fixtures-python.js';

const folder = 'data/models/nano-coder', downloads = 'data/cache/downloads';
const fixtures = 'test/fixtures/tokenizer';
const tokenizer = loadTokenizer(folder);
const hash = (text: string): string => sha256(tokenizer.encode(text).join(',')).slice(0, 12);

function oddTexts(): string[] {
  const pieces = JSON.parse(readFileSync(join(fixtures, 'pieces.json'), 'utf8')) as string[];
  return Array.from({ length: 2000 }, (_, seed) => {
    const random = new Random(seed);
    return Array.from({ length: 1 + random.below(40) }, () => {
      if (random.below(8)) return pieces[random.below(pieces.length)]!;
      const code = random.below(0x30000);
      return code >= 0xd800 && code < 0xe000 ? '' : String.fromCodePoint(code);
    }).join('');
  });
}

test('2,000 odd texts have the ids that Hugging Face gives them', () => {
  const texts = oddTexts(), expected = readFileSync(join(fixtures, 'hashes.txt'), 'utf8').trimEnd().split('\n');
  assert.equal(expected.length, texts.length);
  assert.ok(new Set(expected).size > 1900, 'the texts differ');
  const different = texts.filter((text, i) => hash(text) !== expected[i]);
  assert.deepEqual(different.slice(0, 3), [], `${different.length} texts`);
});

test('decoding gives back what was encoded, in composed form', () => {
  for (const text of oddTexts()) assert.equal(tokenizer.decode(tokenizer.encode(text)), text.normalize('NFC'));
});

const long = process.env['CODE2LORA_LONG_TESTS'] ? withoutPython || (existsSync(downloads) ? false : `needs ${downloads}`) : 'CODE2LORA_LONG_TESTS=1 asks for it';
test('2,000 files of PyPI projects have the ids that Hugging Face gives them', { skip: long }, () => {
  const random = new Random(3407);
  const texts: string[] = [];
  for (const name of random.shuffle(readdirSync(downloads).filter((f) => f.endsWith('.whl')).sort())) {
    const files = random.shuffle(readArchive(join(downloads, name)).files);
    texts.push(...files.slice(0, 25).map((f) => Buffer.from(f.bytes).toString('utf8')));
    if (texts.length >= 2000) break;
  }
  assert.ok(texts.length >= 2000, `only ${texts.length} files in ${downloads}`);
  const temporary = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  const path = join(temporary, 'texts.json');
  writeFileSync(path, JSON.stringify(texts));
  const expected = execFileSync(fixturesPython!, [join(fixtures, 'encode.py'), join(folder, 'tokenizer.json'), path], { encoding: 'utf8' }).trimEnd().split('\n');
  rmSync(temporary, { recursive: true });
  const different = texts.filter((text, i) => hash(text) !== expected[i]);
  assert.deepEqual(different.map((t) => t.slice(0, 200)).slice(0, 3), [], `${different.length} of ${texts.length} files`);
});
