/**
 * Evaluation throughput: one-line completions by nano-coder, as the mini profile makes them, against `generate` of
 * transformers with the same weights, prompts, batches, limit and ends. The bar: 3 times as fast.
 */
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { generate } from '../../lib/dist/model/generate.js';
import { Random } from '../../lib/dist/store/random.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { inRoot } from '../setup/paths.mjs';
import { pythonFiles } from './python-text.mjs';
import { race } from './race.mjs';

const PROMPTS = 256, BATCH = 64, PROMPT_TOKENS = 240, NEW_TOKENS = 32;

const folder = inRoot('data', 'models', 'nano-coder');
const model = loadModel(folder), tokenizer = loadTokenizer(folder);

/** A file's text up to where a line asks for a completion, from its end as many tokens as a prompt may have. */
function makePrompts() {
  const random = new Random(1), prompts = [];
  for (const text of pythonFiles()) {
    const places = [...text.matchAll(/assert |return | = /g)].map((m) => m.index + m[0].length);
    if (!places.length) continue;
    const before = text.slice(0, places[random.below(places.length)]).trimEnd();
    const ids = tokenizer.encode(before.slice(-12 * PROMPT_TOKENS)).slice(-PROMPT_TOKENS);
    if (ids.length) prompts.push(ids);
    if (prompts.length === PROMPTS) break;
  }
  return prompts.sort((a, b) => a.length - b.length);
}

const prompts = makePrompts();
const batches = Array.from({ length: PROMPTS / BATCH }, (_, i) => prompts.slice(i * BATCH, (i + 1) * BATCH));
const { eos, lineBreaks } = tokenizer;
console.log(`${PROMPTS} prompts of ${prompts[0].length} to ${prompts.at(-1).length} tokens in batches of ${BATCH}, up to ${NEW_TOKENS} new tokens, f32`);
const { ours, theirs } = await race({
  job: { task: 'generate', model: folder, batches, maxNewTokens: NEW_TOKENS, eos, lineBreaks: [...lineBreaks] },
  ours: () => batches.flatMap((batch) => generate(model, batch, { maxNewTokens: NEW_TOKENS, eos, lastTokens: lineBreaks })),
  amount: PROMPTS, unit: 'completions', bar: 3,
});
const cut = (row) => {
  const end = row.findIndex((token) => token === eos || lineBreaks.has(token));
  return end < 0 ? row : row.slice(0, row[end] === eos ? end : end + 1);
};
const same = ours.filter((row, i) => String(row) === String(cut(theirs[i]))).length;
console.log(`${same} of ${PROMPTS} completions are the same token for token`);
