/**
 * What the paper's training would need on a GPU, from the shapes alone: memory by sequence length, FLOPs a step, hours.
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

const number = (x, digits) => x.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const table = (header, rows) => [header, header.map((_, i) => (i ? '---:' : '---')), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');
const base = Object.values(fixed).reduce((a, b) => a + b, 0);
const schedules = [
  { name: 'Static, 1,200 steps of 16 tasks', tasks: 1200 * 16, tokens: 4096 },
  { name: 'Static, 3 epochs over 39,612 tasks', tasks: 3 * 39_612, tokens: 8192 },
  { name: 'Evo, 3 epochs over 215,129 tasks', tasks: 3 * 215_129, tokens: 4096 },
];
/** Peak rates as the vendor states them. */
const rates = [{ name: 'A100, TF32', flops: 156e12 }, { name: 'H100, TF32', flops: 495e12 }];
const SHARE = 0.35;

writeFileSync(inRoot('docs', 'paper-scale.md'), `# What the paper's size needs

The profile \`paper\` is Qwen2.5-Coder-1.5B with the published tasks and vectors; the code is the same as for \`mini\`.
This page says what it asks of a machine. It is computed from the shapes, by \`npm run bench -- estimate\`, and has not been
measured: no GPU was at hand.

## Memory that does not depend on the sequence

${table(['part', 'GB'], [...Object.entries(fixed).map(([name, size]) => [name, number(size / GB, 1)]), ['in all', number(base / GB, 1)]])}

All of it is fp32: TensorFlow.js does not train in half precision. The head is the paper's, of width 1,024.

## Memory and work by length

${table(['tokens a task', 'activations, GB', 'with the rest, GB', 'TFLOP a task'],
  [1024, 2048, 4096, 8192].map((t) => [number(t, 0), number(activations(t) / GB, 1), number((base + activations(t)) / GB, 1), number(flops(t) / 1e12, 1)]))}

Blocks are computed again in the backward pass, so the activations of one block are alive at a time, and of the others only
the input is kept. Attention over more than 1,024 tokens goes in slices of the queries. Logits are made at target positions
only.

## Hours

${table(['schedule', 'PFLOP', ...rates.map((r) => `hours, ${r.name}`)], schedules.map((s) => {
    const total = s.tasks * flops(s.tokens);
    return [s.name, number(total / 1e15, 0), ...rates.map((r) => number(total / (SHARE * r.flops) / 3600, 0))];
  }))}

They assume every task at its full length and ${100 * SHARE}% of the device's stated peak.

## On a CPU

\`npm run bench:paper-step\` runs one step at this size with random weights on any machine with 16 GB: the whole model, which
stays in bfloat16 there, the head of width 1,024 with its AdamW state, one task of 1,024 tokens. It prints the time and memory
of each part: 13.5 GB at most.
`);
console.log('Written: docs/paper-scale.md');
