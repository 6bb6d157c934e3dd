/**
 * What the paper's training needs on a GPU: memory by sequence length and FLOPs a step from the shapes, hours from the rate
 * that `npm run bench -- gpu` measured.
 * Usage: npm run bench -- estimate      Writes docs/paper-scale.md.
 */
import { writeFileSync } from 'node:fs';
import { inRoot } from '../setup/paths.mjs';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { bodyParameters } from '../../lib/dist/model/config.js';
import { QWEN_CODER_1_5B as c } from '../../lib/dist/profiles.js';

const GB = 1e9, bytes = 4;
const body = bodyParameters(c), embedding = c.vocabSize * c.hidden;
const head = staticHead({ input: 2048, hidden: 1024, rank: 16, alpha: 32 }, c).parameterCount;
const fixed = { 'frozen model, bfloat16': (body + embedding) * 2, head: head * bytes, 'AdamW moments': 2 * head * bytes, gradients: head * bytes };

/** Of one block, alive at once in its backward pass, and of what is kept of every block: its input. */
function activations(tokens) {
  const kept = c.layers * tokens * c.hidden * bytes;
  const qkv = (c.heads + 2 * c.kvHeads) * c.headDim;
  // x, normed x, qkv, attention out, middle, normed middle, gate and up, their product, each with its gradient.
  const block = 2 * tokens * (4 * c.hidden + qkv + c.heads * c.headDim + 3 * c.mlp) * bytes;
  // Scores, weights and their gradients, of as many queries as there are 512 MB for (engine/composite.ts).
  const scores = 4 * Math.min(2 ** 27, c.heads * tokens * tokens) * bytes;
  return kept + block + scores;
}
/** Forward, backward through the activations, and the second forward of the recomputed blocks. */
function flops(tokens) {
  const forward = 2 * body * tokens + 2 * c.layers * c.heads * c.headDim * tokens * tokens;
  return 3 * forward;
}

const number = (x, digits) => x.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const table = (header, rows) => [header, header.map((_, i) => (i ? '---:' : '---')), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');
const base = Object.values(fixed).reduce((a, b) => a + b, 0);
const schedules = [
  { name: 'Static, 1,200 steps of 16 tasks', tasks: 1200 * 16, tokens: 4096 },
  { name: 'Static, 3 epochs over 39,612 tasks', tasks: 3 * 39_612, tokens: 8192 },
  { name: 'Evo, 3 epochs over 215,129 tasks', tasks: 3 * 215_129, tokens: 4096 },
];
/** Tokens a second of a training step on an NVIDIA H200 with TF32, by the length of a task: `npm run bench -- gpu`, 2026-11-27. */
const MEASURED = { device: 'NVIDIA H200, TF32', tokens: { 1024: 11_757, 4096: 7_999 } };
/** Where the length was not measured, as many FLOPs a second as at the longest that was. */
const rateAt = (tokens) => MEASURED.tokens[tokens] ?? (MEASURED.tokens[4096] * flops(4096)) / 4096 / (flops(tokens) / tokens);

writeFileSync(inRoot('docs', 'paper-scale.md'), `# What the paper's size needs

The profile \`paper\` is Qwen2.5-Coder-1.5B with the published tasks and vectors; the code is the same as for \`mini\`.
This page says what it asks of a machine: memory and work computed from the shapes, hours from the rate of a training step as
\`npm run bench -- gpu\` measured it on one GPU with random weights of that shape ([performance](performance.md)). The schedules
themselves have not been run. \`npm run bench -- estimate\` writes this page.

## Memory that does not depend on the sequence

${table(['part', 'GB'], [...Object.entries(fixed).map(([name, size]) => [name, number(size / GB, 1)]), ['in all', number(base / GB, 1)]])}

All but the frozen model is fp32. The head is the paper's, of width 1,024.

## Memory and work by length

${table(['tokens a task', 'activations, GB', 'with the rest, GB', 'TFLOP a task'],
  [1024, 2048, 4096, 8192].map((t) => [number(t, 0), number(activations(t) / GB, 1), number((base + activations(t)) / GB, 1), number(flops(t) / 1e12, 1)]))}

Blocks are computed again in the backward pass, so the activations of one block are alive at a time, and of the others only
the input is kept. Attention over long inputs goes in slices of the queries. Logits are made at target positions only.
Measured with 8 tasks of 1,024 tokens at once: 34 GB, of which TensorFlow's allocator, which doubles what it asks for, leaves a
part unused.

## Hours on one GPU

${table(['schedule', 'PFLOP', `hours, ${MEASURED.device}`], schedules.map((s) => {
    const hours = (s.tasks * s.tokens) / rateAt(s.tokens) / 3600, measured = s.tokens in MEASURED.tokens;
    return [s.name, number((s.tasks * flops(s.tokens)) / 1e15, 0), `${number(hours, hours < 10 ? 1 : 0)}${measured ? '' : ' (estimated: that length was not measured)'}`];
  }))}

They take every task at its full length: ${Object.entries(MEASURED.tokens).map(([t, rate]) => `${number(rate, 0)} tokens/s at ${number(Number(t), 0)} tokens a task`).join(', ')}.

## On a CPU

\`npm run bench:paper-step\` runs one step at this size with random weights on any machine with 16 GB: the whole model, which
stays in bfloat16 there, the head of width 1,024 with its AdamW state, one task of 1,024 tokens. It prints the time and memory
of each part: 13.5 GB at most.
`);
console.log('Written: docs/paper-scale.md');
