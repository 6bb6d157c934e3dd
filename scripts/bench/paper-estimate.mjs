/**
 * What the paper's training would need on a GPU, from the shapes alone: memory by sequence length, FLOPs a step, hours.
 * Usage: npm run bench -- estimate      Prints the tables of docs/paper-scale.md.
 */
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { bodyParameters } from '../../lib/dist/model/config.js';
import { QWEN_CODER_1_5B as c } from '../../lib/dist/profiles.js';

const GB = 1e9, bytes = 4;
const body = bodyParameters(c), embedding = c.vocabSize * c.hidden;
const head = staticHead({ input: 2048, hidden: 1024, rank: 16, alpha: 32 }, c).parameterCount;
const fixed = { 'frozen model': (body + embedding) * bytes, head: head * bytes, 'AdamW moments': 2 * head * bytes, gradients: head * bytes };

/** Of one block, alive at once in its backward pass, and of what is kept of every block: its input. */
function activations(tokens) {
  const kept = c.layers * tokens * c.hidden * bytes;
  const qkv = (c.heads + 2 * c.kvHeads) * c.headDim;
  // x, normed x, qkv, attention out, middle, normed middle, gate and up, their product, each with its gradient.
  const block = 2 * tokens * (4 * c.hidden + qkv + c.heads * c.headDim + 3 * c.mlp) * bytes;
  // Scores of 1,024 queries against all keys: scores, weights and their gradients.
  const scores = 4 * c.heads * Math.min(1024, tokens) * tokens * bytes;
  return kept + block + scores;
}
/** Forward, backward through the activations, and the second forward of the recomputed blocks. */
function flops(tokens) {
  const forward = 2 * body * tokens + 2 * c.layers * c.heads * c.headDim * tokens * tokens;
  return 3 * forward;
}

console.log('| part | GB |\n| --- | ---: |');
for (const [name, size] of Object.entries(fixed)) console.log(`| ${name} | ${(size / GB).toFixed(1)} |`);
const base = Object.values(fixed).reduce((a, b) => a + b, 0);
console.log('\n| tokens a task | activations, GB | in all, GB | TFLOP a task |\n| ---: | ---: | ---: | ---: |');
for (const tokens of [1024, 2048, 4096, 8192]) {
  console.log(`| ${tokens.toLocaleString('en')} | ${(activations(tokens) / GB).toFixed(1)} | ${((base + activations(tokens)) / GB).toFixed(1)} | ${(flops(tokens) / 1e12).toFixed(1)} |`);
}
const schedules = [
  { name: 'Static, 1,200 steps of 16 tasks', tasks: 1200 * 16, tokens: 4096 },
  { name: 'Static, 3 epochs over 39,612 tasks', tasks: 3 * 39612, tokens: 8192 },
  { name: 'Evo, 3 epochs over 215,129 tasks', tasks: 3 * 215129, tokens: 4096 },
];
const rates = [{ name: 'A100, TF32', flops: 156e12 }, { name: 'H100, TF32', flops: 495e12 }];
console.log(`\n| schedule | PFLOP | ${rates.map((r) => `hours, ${r.name}`).join(' | ')} |\n| --- | ---: | ${rates.map(() => '---:').join(' | ')} |`);
for (const s of schedules) {
  const total = s.tasks * flops(s.tokens);
  console.log(`| ${s.name} | ${(total / 1e15).toLocaleString('en', { maximumFractionDigits: 0 })} | ${rates.map((r) => (total / (0.35 * r.flops) / 3600).toFixed(0)).join(' | ')} |`);
}
