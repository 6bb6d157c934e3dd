/**
 * Decoding with the cache against transformers: logits wherever a row is split into prompt and appended tokens, and the
 * very tokens of 200 greedy continuations with nano-coder.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { openDecoder } from '../../lib/dist/model/decoder.js';
import { generate } from '../../lib/dist/model/generate.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { gap, MODELS, openFixture } from './fixture.js';

for (const name of MODELS) {
  const { model, rows, logits: fromHead, hidden } = openFixture(name);
  const expected = fromHead ?? tf.matMul(hidden as never, model.embed as never, false, true);

  /** Expected logits after token `at(row)` of each row: [rows, V]. */
  function after(at: (row: number[]) => number): Tensor {
    let before = 0;
    const index = rows.map((row) => {
      before += row.length;
      return before - row.length + at(row);
    });
    return tf.gather(expected, tf.tensor1d(index, 'int32'));
  }

  test(`${name}: every way to split rows of different lengths between prompt and cache`, () => {
    for (const appended of [0, 1, 2]) {
      const decoder = openDecoder(model, rows.map((r) => r.slice(0, r.length - appended)), appended);
      assert.ok(gap(decoder.logits, after((r) => r.length - appended - 1)) < 1e-4, `prompt, ${appended} to come`);
      for (let n = appended; n > 0; n--) {
        const next = decoder.advance(rows.map((r) => r[r.length - n]!));
        assert.ok(gap(next, after((r) => r.length - n)) < 1e-4, `${appended} appended, ${n - 1} to come`);
      }
      decoder.dispose();
    }
  });

  test(`${name}: a long row from a short prompt, token by token`, () => {
    const row = rows.at(-1)!, offset = rows.slice(0, -1).flat().length;
    for (const prompt of [1, 33]) {
      const decoder = openDecoder(model, [row.slice(0, prompt)], row.length - prompt);
      const got = [decoder.logits, ...row.slice(prompt).map((token) => decoder.advance([token]))];
      assert.ok(gap(tf.concat(got), expected.slice([offset + prompt - 1, 0], [row.length - prompt + 1, -1])) < 1e-4, `prompt of ${prompt}`);
      decoder.dispose();
    }
  });
}

test('the tokens that transformers generates for 200 prompts with nano-coder', () => {
  const { eos, lineBreaks, banned, maxNewTokens, rows } = JSON.parse(readFileSync('test/fixtures/model/greedy.json', 'utf8')) as {
    eos: number; lineBreaks: number[]; banned: number[]; maxNewTokens: number;
    rows: [prompt: number[], free: number[], lines: number[]][];
  };
  const model = loadModel('data/models/nano-coder');
  const tokenizer = loadTokenizer('data/models/nano-coder');
  assert.deepEqual([tokenizer.eos, [...tokenizer.lineBreaks].sort((a, b) => a - b)], [eos, lineBreaks]);
  assert.equal(rows.length, 200);
  const make = (lastTokens: number[], ban: number[], count = rows.length): number[][] => {
    const out: number[][] = [];
    for (let at = 0; at < count; at += 50) {
      const prompts = rows.slice(at, at + 50).map(([prompt]) => prompt);
      out.push(...generate(model, prompts, { maxNewTokens, eos, lastTokens: new Set(lastTokens), banned: new Set(ban) }));
    }
    return out;
  };
  const lines = rows.map((r) => r[2]);
  assert.deepEqual(make([], []), rows.map((r) => r[1]), 'until EOS');
  assert.deepEqual(make(lineBreaks, banned), lines, 'one line, without the banned tokens');
  assert.ok(new Set(lines.map((l) => l.length)).size > 10, 'they end at different times');
  assert.ok(make(lineBreaks, [], 50).filter((l, i) => String(l) !== String(lines[i])).length > 20, 'the ban matters');
});
