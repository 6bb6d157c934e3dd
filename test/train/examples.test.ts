/** Prompts of either format: what is trained on fits, what is judged is the same for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '../../lib/dist/data/types.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { asPublished, matched, toExamples } from '../../lib/dist/train/examples.js';

const tokenizer = loadTokenizer('data/models/nano-coder');
const task = (length: number): Task => ({ prefix: 'def test_x():\n    assert f(1, 2, 3) == '.repeat(40), target: '[1, 2, 3], '.repeat(length) }) as Task;
const tasks = [task(1), task(4), task(30)];

test('a training task has room for its prefix, or is counted; a judged one stays in every format', () => {
  for (const format of [matched(160), asPublished(320)]) {
    const training = toExamples(tasks, tokenizer, format, 'training'), judging = toExamples(tasks, tokenizer, format, 'judging');
    assert.ok(training.oversize > 0);
    assert.equal(training.examples.length + training.oversize, tasks.length);
    for (const { prefix, target } of training.examples) assert.ok(prefix.length >= 32 && prefix.length + target.length <= format.maxTokens);
    assert.deepEqual(judging.examples.map((e) => e.task), tasks);
    for (const { prefix } of judging.examples) assert.ok(prefix.length >= 32);
  }
});

test('the end of a prefix is kept, with the marker last where the format has one', () => {
  const [plain] = toExamples(tasks, tokenizer, matched(160), 'judging').examples, [marked] = toExamples(tasks, tokenizer, asPublished(640), 'judging').examples;
  assert.ok(tasks[0]!.prefix.endsWith(tokenizer.decode(plain!.prefix)));
  assert.ok(tokenizer.decode(marked!.prefix).endsWith('== \n### Target:\n'));
  assert.equal(plain!.target.at(-1), tokenizer.eos);
  assert.notEqual(marked!.target.at(-1), tokenizer.eos);
});
