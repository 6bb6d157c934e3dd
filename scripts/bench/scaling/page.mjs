/**
 * Writes docs/scaling.md and its figures from docs/measured/scaling.csv and endurance.csv: how time and memory grow, and what
 * the paper's whole set would take. Usage: npm run bench -- scaling-page
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from '../../setup/paths.mjs';
import { groupBy } from '../../../lib/dist/train/draws.js';
import { exportFigures } from '../../../lib/dist/report/export.js';
import { enduranceFigure, scalingFigure } from './figures.mjs';
import { ABLATIONS, activations, ANSWERS, FIXED, reading, STATIC, training, TRAININGS } from './paper.mjs';

/** Tokens a second of a training step on an NVIDIA H200 with TF32, by the length of a task: `npm run bench -- gpu`, 2026-11-27. */
const GPU = { 1024: 11_757, 4096: 7_999 };
/** Of decoding there, 32 prompts of 512 tokens at once. */
const GPU_DECODING = 756;
const GB = 1e9, HOUR = 3600;

const csv = (name) => {
  const [head, ...rows] = readFileSync(inRoot('docs', 'measured', name), 'utf8').trim().split('\n').map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(head.map((key, i) => [key, Number.isNaN(Number(row[i])) ? row[i] : Number(row[i])])));
};
const points = csv('scaling.csv'), endurance = csv('endurance.csv');
const series = [...groupBy(points, ({ measure, of }) => `${measure}, ${of}`).values()];

/** The line that is closest to the points relative to their size, and how far the farthest one is from it. */
function line(list) {
  const w = list.map(({ seconds }) => 1 / seconds ** 2), sum = (f) => list.reduce((s, p, i) => s + w[i] * f(p), 0);
  const [n, x, y, xx, xy] = [sum(() => 1), sum((p) => p.size), sum((p) => p.seconds), sum((p) => p.size ** 2), sum((p) => p.size * p.seconds)];
  const each = (n * xy - x * y) / (n * xx - x * x), fixed = (y - each * x) / n;
  return { each, fixed, off: Math.max(...list.map((p) => Math.abs(fixed + each * p.size - p.seconds) / p.seconds)) };
}

const number = (x, digits = 0) => x.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const table = (header, rows) => [header, header.map((_, i) => (i ? '---:' : '---')), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');
const ONE = { 'tokens of a task': 'token of a task', tasks: 'task', 'layers adapted': 'layer adapted', commits: 'commit', repositories: 'repository' };
const hours = (x) => number(x, x < 10 ? 1 : 0);

/** Operations a second: of the GPU at its two lengths, of this machine at 1.5 billion parameters and 512 tokens. */
const gpuRate = (tokens) => { const at = tokens > 2048 ? 4096 : 1024; return (GPU[at] / at) * training(at); };
const step = points.find((p) => p.of === 'million parameters' && p.size === 1544);
const cpuRate = training(512) / step.seconds;

/** Work: operations of all its tasks, and tokens that are decoded one by one, each by the length (`usual` or `most`). */
const works = [
  ...TRAININGS.map(({ track, method, tasks, most, usual, factor = 1 }) =>
    ({ track, what: `training ${method}`, seeds: 3, most, usual, operations: (length) => factor * tasks * training(length) })),
  ...Object.entries(ANSWERS).map(([track, { tasks, most, usual, fresh, methods }]) => ({
    track, what: `answers of ${methods} methods`, seeds: 3, most, usual,
    operations: (length) => methods * tasks * reading(length), decoded: { usual: methods * tasks * fresh.usual, most: methods * tasks * fresh.most },
  })),
  ...ABLATIONS.map(({ what, trainings }) =>
    ({ track: 'static', what, seeds: 1, most: STATIC.most, usual: STATIC.usual, operations: (length) => trainings * STATIC.tasks * training(length) })),
];
const onGpu = (work, key) => (work.seeds * (work.operations(work[key]) / gpuRate(work[key]) + (work.decoded?.[key] ?? 0) / GPU_DECODING)) / HOUR;
// A few new tokens of many prompts at once cost a processor as much as tokens of a prompt.
const onCpu = (work) => (work.seeds * work.operations(work.usual + (work.decoded ? 8 : 0))) / cpuRate / HOUR;
const total = (cost) => works.reduce((sum, work) => sum + cost(work), 0);
const [gpuUsual, gpuMost, cpuUsual] = [total((w) => onGpu(w, 'usual')), total((w) => onGpu(w, 'most')), total(onCpu)];
const base = Object.values(FIXED).reduce((a, b) => a + b, 0);

const minutes = (a, b) => (new Date(b.time) - new Date(a.time)) / 60_000;
const processes = [...groupBy(endurance, ({ process }) => process).values()];
const longest = processes.reduce((a, b) => (minutes(a[0], a.at(-1)) > minutes(b[0], b.at(-1)) ? a : b));

const { skipped } = await exportFigures([
  { figure: scalingFigure(series, 'seconds', 'Seconds'), basePath: inRoot('docs', 'measured', 'scaling-seconds') },
  { figure: scalingFigure(series, 'gigabytes', 'Memory, GB'), basePath: inRoot('docs', 'measured', 'scaling-gigabytes') },
  { figure: enduranceFigure(longest), basePath: inRoot('docs', 'measured', 'endurance') },
]);
if (skipped) console.log(skipped);

writeFileSync(inRoot('docs', 'scaling.md'), `# How it grows, and what the paper's size would take

\`npm run bench -- scaling\` measures, \`npm run bench -- scaling-page\` writes this page. The machine: two cores of an AMD EPYC with
AVX-512 and 24 GB. The frozen model has SmolLM2-135M's shape where nothing else is said, rank 16, tasks of 512 tokens; Evo's
step goes through nano-coder's shape with one task of 256 tokens a commit; repositories are the generator's, read by nano-coder;
the history adds a test a commit to files of twenty. Each size ran in a process of its own. The data:
[measured/scaling.csv](measured/scaling.csv).

![Seconds against size, nine panels](measured/scaling-seconds.svg)

Dashed: in proportion, through the largest size. A line, fixed cost and cost of each, describes the times so well:

${table(['time of', 'each', 'seconds fixed', 'seconds each', 'farthest from the line'], series.map((list) => {
    const { each, fixed, off } = line(list), [{ measure, of }] = list;
    return [measure, ONE[of] ?? of, number(fixed, 2), each.toPrecision(2), `${number(100 * off)}%`];
  }))}

Tokens of a task are not in proportion, since attention grows with their square. Of layers, those below the first adapted one
are passed forward only: with half of SmolLM2's 30 adapted a step takes ${number(100 * (1 - points.find((p) => p.of === 'layers adapted' && p.size === 15).seconds / points.find((p) => p.of === 'layers adapted' && p.size === 30).seconds))}% less time (\`learning.layers\`; all by default).

![Memory against size, nine panels](measured/scaling-gigabytes.svg)

Memory follows the model and the length of a task, and hardly how many tasks, repositories or commits there are: what is computed
together is bounded by bytes (\`model/memory.ts\`), and histories are streamed.

## A long run

${number(minutes(longest[0], longest.at(-1)))} minutes of training and answering in one process, sampled at most twice a minute (\`scripts/bench/endurance.mjs\`;
[measured/endurance.csv](measured/endurance.csv)), beside other work: along the histories of \`coder\` with SmolLM2-135M Static's answers,
Evo's training and its answers; then, on its snapshots with Qwen2.5-Coder-0.5B, the pretrained model's answers and single LoRA's
training. Within a stage memory stays what it is after the first minutes, but for one step up in the last, where it stays again, and
no tensor of a stage is left in the next. Those that come and go in answers are adapters, one for each repository or commit that
is asked. Freed arrays are kept in the process, so resident memory follows the most that was needed.

![Resident memory and tensors along the run](measured/endurance.svg)

## The paper's size: memory

The profile \`paper\` is Qwen2.5-Coder-1.5B with the published tasks and vectors; the code is the same as for \`mini\`. Computed
from the shapes; what does not depend on the sequence:

${table(['part', 'GB'], [...Object.entries(FIXED).map(([name, size]) => [name, number(size / GB, 1)]), ['in all', number(base / GB, 1)]])}

All but the frozen model is fp32. The head is the paper's, of width 1,024. What does:

${table(['tokens a task', 'activations, GB', 'with the rest, GB', 'TFLOP a task'],
  [1024, 2048, 4096, 8192].map((t) => [number(t), number(activations(t) / GB, 1), number((base + activations(t)) / GB, 1), number(training(t) / 1e12, 1)]))}

Blocks are computed again in the backward pass, so the activations of one block are alive at a time, and of the others only
the input is kept. Attention over long inputs goes in slices of the queries. Logits are made at target positions only.
Measured on a GPU with 8 tasks of 1,024 tokens at once: 34 GB, of which TensorFlow's allocator, which doubles what it asks for,
leaves a part unused. On a CPU \`npm run bench:paper-step\` runs one step at this size with random weights: 13.5 GB at most.

## The paper's size: hours

Three seeds of every training and answer, both tracks, and the ablations that the paper gives numbers for. Node-hours of one
NVIDIA H200 (TF32; ${Object.entries(GPU).map(([t, rate]) => `${number(rate)} tokens/s at ${number(Number(t))} tokens a task`).join(', ')}, and ${GPU_DECODING} new tokens/s,
measured) and of two cores with AVX-512 (${number(512 / step.seconds)} tokens/s at 512, measured). \`at most\` takes every task at the length
where it is cut and decodes all new tokens that are allowed (128 and 64), \`usual\` takes the mean length and 8 new tokens:
${STATIC.usual} tokens (the paper's table 7), some 2,000 where the prefix is a whole file. Lengths that were not timed are taken to
run at as many operations a second. The schedules themselves have not been run.

${table(['track', 'work', 'tokens, usual', 'at most', 'H200, usual', 'H200, at most', '2 cores, usual'], works.map((work) => [
    work.track, work.what, number(work.usual), number(work.most), hours(onGpu(work, 'usual')), hours(onGpu(work, 'most')), hours(onCpu(work)),
  ]))}
| **in all** | | | | **${hours(gpuUsual)}** | **${hours(gpuMost)}** | **${hours(cpuUsual)}** |

So one H200 has the whole set done in some ${number(gpuUsual / 24)} days, and a cluster of them sooner, since runs are independent.
\`npx code2lora sweep --profile paper --all --on slurm\` sends those that are planned, with the profile's own, shorter schedule;
numbers of repositories, PAW and Text2LoRA along histories are runs to add with \`lab.sweep\`, and training with a dependency
context is not built. On processors it is ${number(cpuUsual / 8760, 1)} years of two cores; what more cores bring was not measured.
Curation and reading are small beside it: some 63,000 kept commits at 1,000 commits a second for small files, and diffs of 2,247
tokens on average, 142 million tokens in all, ${number(142e6 / 85_731 / 60)} minutes of embedding at the H200's 85,731 tokens/s for a model of 0.5B.
`);
console.log('Written: docs/scaling.md and its figures in docs/measured.');
