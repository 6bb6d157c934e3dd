/**
 * Evaluation throughput: one-line completions by nano-coder, as the mini profile makes them, against `generate` of
 * transformers with the same weights, prompts, batches, limit and ends (the bar: 3.5 times as fast); with `0.5b` random
 * weights and prompts in a real model's shape (as fast).
 */
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { generate } from '../../lib/dist/model/generate.js';
import { Random } from '../../lib/dist/store/random.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { inRoot } from '../setup/paths.mjs';
import { pythonFiles } from './python-text.mjs';
import { race } from './race.mjs';
import { printShares } from './rate.mjs';
import { randomIds, shapeOf } from './shapes.mjs';

const large = process.argv[2] === '0.5b';
const [PROMPTS, BATCH, PROMPT_TOKENS, NEW_TOKENS] = large ? [16, 16, 512, 16] : [256, 64, 240, 32];

const folder = inRoot('data', 'models', 'nano-coder'), tokenizer = loadTokenizer(folder);
const { config, model: make } = shapeOf(process.argv[2]);
const model = large ? make() : loadModel(folder);

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

const prompts = large ? randomIds(PROMPTS, PROMPT_TOKENS, config.vocabSize) : makePrompts();
const batches = Array.from({ length: PROMPTS / BATCH }, (_, i) => prompts.slice(i * BATCH, (i + 1) * BATCH));
const { eos, lineBreaks } = large ? { eos: config.vocabSize - 1, lineBreaks: new Set() } : tokenizer;
const answer = (batch) => generate(model, batch, { maxNewTokens: NEW_TOKENS, eos, lastTokens: lineBreaks });
console.log(`${PROMPTS} prompts of ${prompts[0].length} to ${prompts.at(-1).length} tokens in batches of ${BATCH}, up to ${NEW_TOKENS} new tokens`);
const { ours, theirs } = await race({
  job: { task: 'generate', ...(large ? { config } : { model: folder }), batches, maxNewTokens: NEW_TOKENS, eos, lineBreaks: [...lineBreaks] },
  ours: () => batches.flatMap(answer),
  amount: PROMPTS, unit: 'completions', bar: large ? 1 : 3.5, rounds: large ? 2 : 5,
});
if (!large) {
  const cut = (row) => {
    const end = row.findIndex((token) => token === eos || lineBreaks.has(token));
    return end < 0 ? row : row.slice(0, row[end] === eos ? end : end + 1);
  };
  const same = ours.filter((row, i) => String(row) === String(cut(theirs[i]))).length;
  console.log(`${same} of ${PROMPTS} completions are the same token for token`);
}
printShares(() => { answer(batches.at(-1)); }, model.config.vocabSize);
