/**
 * Our tokenizer against Hugging Face's `tokenizers`: the same ids for 2,000 made-up texts (test/fixtures/tokenizer/make.py,
 * which holds the other half of the rule that makes them). For real files: test/long/tokenizers.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../lib/dist/store/hash.js';
import { Random } from '../../lib/dist/store/random.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const fixtures = 'test/fixtures/tokenizer';
const tokenizer = loadTokenizer('data/models/nano-coder');
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
