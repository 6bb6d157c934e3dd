/** Against the tokenizers library (test/fixtures/hub-tokenizer/make.py): small tokenizers laid out as Qwen's. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../lib/dist/store/errors.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const fixtures = 'test/fixtures/hub-tokenizer';
interface Row { text: string; plain: number[]; parsed: number[]; split: number[]; end: number[]; decoded: string }
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  vocabSize: number; added: Record<string, string>; texts: Row[];
};
const coder = loadTokenizer(join(fixtures, 'coder')), embedding = loadTokenizer(join(fixtures, 'embedding'));
const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
after(() => rmSync(folder, { recursive: true }));

test('text is encoded and decoded as by the tokenizers library', () => {
  for (const { text, plain, decoded } of expected.texts) {
    for (const tokenizer of [coder, embedding]) {
      assert.deepEqual(tokenizer.encode(text), plain, JSON.stringify(text));
      assert.equal(tokenizer.decode(plain), decoded, JSON.stringify(text));
    }
  }
});

// By intent unlike the library: by default it reads all of them as control tokens, told to split special tokens still some.
test('control tokens spelt out in a text stay text', () => {
  const spelt = expected.texts.filter(({ plain, parsed }) => plain.join() !== parsed.join());
  assert.equal(spelt.length, 6);
  assert.equal(spelt.filter(({ plain, split }) => plain.join() !== split.join()).length, 3);
  for (const { text } of spelt) {
    assert.ok(coder.encode(text).every((id) => !(id in expected.added)), text);
    assert.equal(coder.decode(coder.encode(text)), text);
  }
  const all = Object.values(expected.added).join('');
  assert.equal(coder.decode(coder.encode(all)), all);
  assert.ok(coder.encode(all).every((id) => !(id in expected.added)));
});

test('the end is what the post-processor appends', () => {
  for (const { text, plain, end } of expected.texts) {
    assert.deepEqual(embedding.encodeWithEnd(text), end, JSON.stringify(text));
    assert.deepEqual(coder.encodeWithEnd(text), plain, JSON.stringify(text));
  }
});

test('all control tokens but the end of text are banned, and none is decoded', () => {
  const named = (ids: Iterable<number>) => [...ids].map((id) => expected.added[id]).sort();
  assert.equal(expected.added[coder.eos], '<|endoftext|>');
  assert.deepEqual(named([...coder.banned, coder.eos]), Object.values(expected.added).sort());
  assert.ok(!coder.banned.has(coder.eos));
  assert.equal(coder.vocabSize, expected.vocabSize);
  const [a, b] = [coder.encode('a '), coder.encode('b')];
  assert.equal(coder.decode([...a, ...coder.banned, coder.eos, ...b]), 'a b');
  assert.equal(coder.decode([...coder.banned]), '');
  assert.equal(loadTokenizer('data/models/nano-coder').banned.size, 0);
});

interface Json {
  model: { vocab: Record<string, number> };
  added_tokens?: { id: number; content: string }[];
  pre_tokenizer?: unknown;
  post_processor: unknown;
}
/** The folder of a changed tokenizer. */
function changed(change: (json: Json) => void): string {
  const json = JSON.parse(readFileSync(join(fixtures, 'coder/tokenizer.json'), 'utf8')) as Json;
  change(json);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
  return folder;
}

test('an added token that could be a word stays out of texts, and one that the vocabulary holds too out of what is decoded', () => {
  const folder = changed(({ model: { vocab }, added_tokens: added }) => {
    added!.push({ ...added![0]!, id: expected.vocabSize, content: 'assert' });
    for (const { content, id } of added!) vocab[content] = id;
  });
  const { text, plain } = expected.texts.find((row) => row.text.startsWith('assert'))!, tokenizer = loadTokenizer(folder);
  assert.deepEqual(tokenizer.encode(text), plain);
  assert.equal(tokenizer.decode([...tokenizer.banned, ...plain, tokenizer.eos]), text);
});

test("a vocabulary of Qwen's size is read", () => {
  const large = loadTokenizer(changed(({ model: { vocab }, added_tokens: added }) => {
    for (let id = Object.keys(vocab).length; id < 151_643; id++) vocab[`filler${id}`] = id;
    added!.forEach((token, i) => { token.id = 151_643 + i; });
  }));
  assert.deepEqual([large.eos, large.vocabSize, large.banned.size], [151_643, 151_657, 13]);
  const { text, plain } = expected.texts.find((row) => row.text.startsWith('def f(x)'))!;
  assert.deepEqual(large.encode(text), plain);
});

test('what is no tokenizer of this kind is refused by name', () => {
  const refuses = (path: string, pattern: RegExp) => assert.throws(() => loadTokenizer(path), (error: unknown) => {
    assert.ok(error instanceof UserError, String((error as Error).stack));
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(join(path, 'tokenizer.json')));
    return true;
  });
  refuses(join(folder, 'absent'), /not a tokenizer that is read here \(ENOENT/);
  writeFileSync(join(folder, 'tokenizer.json'), '{');
  refuses(folder, /not a tokenizer that is read here/);
  writeFileSync(join(folder, 'tokenizer.json'), '{}');
  refuses(folder, /it has no model/);
  refuses(changed((json) => { json.added_tokens = []; }), /has no token <\|endoftext\|>/);
  refuses(changed((json) => { delete json.pre_tokenizer; }), /does not split text into words of bytes/);
  const template = (...single: object[]) => ({ type: 'TemplateProcessing', single, special_tokens: { '<|im_start|>': { ids: [1] } } });
  const start = { SpecialToken: { id: '<|im_start|>' } };
  refuses(changed((json) => { json.post_processor = template(start); }), /without a place for the text/);
  const steps = (change: (step: Record<string, unknown>) => void) => changed((json) => {
    for (const step of (json.pre_tokenizer as { pretokenizers: Record<string, unknown>[] }).pretokenizers) change(step);
  });
  refuses(steps((step) => { if (step['type'] === 'ByteLevel') step['add_prefix_space'] = true; }), /puts a space before each text/);
  refuses(steps((step) => { if (step['type'] === 'Split') step['behavior'] = 'Removed'; }), /does not isolate what it finds, but "Removed"/);
  refuses(steps((step) => { if (step['type'] === 'Split') step['invert'] = true; }), /inverts its pattern/);
  // What Llama 3 puts before a text is left out, as it is where its GGUF file is read.
  const llama = loadTokenizer(changed((json) => { json.post_processor = template(start, { Sequence: { id: 'A' } }, start); }));
  assert.deepEqual(llama.encodeWithEnd('assert x'), [...coder.encode('assert x'), 1]);
});
