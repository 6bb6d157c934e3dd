/**
 * The paper's trainings and answers, counted: tasks and tokens of every method on both tracks, and the work they are at the
 * size of Qwen2.5-Coder-1.5B. Numbers of tasks: the paper's tables 1, 5 and 9 and its section 4; lengths: table 7, and for
 * prefixes that are whole files, which the paper gives no mean of, some 2,000 tokens (the median of the OOD set, 7.9 KB).
 */
import { staticHead } from '../../../lib/dist/hypernet/static-head.js';
import { bodyParameters } from '../../../lib/dist/model/config.js';
import { QWEN_CODER_1_5B as c } from '../../../lib/dist/profiles.js';

const bytes = 4;
const body = bodyParameters(c), embedding = c.vocabSize * c.hidden;
const head = staticHead({ input: 2048, hidden: 1024, rank: 16, alpha: 32 }, c).parameterCount;

/** Bytes that do not depend on the sequence. */
export const FIXED = { 'frozen model, bfloat16': (body + embedding) * 2, head: head * bytes, 'AdamW moments': 2 * head * bytes, gradients: head * bytes };

/** Of one block, alive at once in its backward pass, and of what is kept of every block: its input. */
export function activations(tokens) {
  const kept = c.layers * tokens * c.hidden * bytes;
  const qkv = (c.heads + 2 * c.kvHeads) * c.headDim;
  // x, normed x, qkv, attention out, middle, normed middle, gate and up, their product, each with its gradient.
  const block = 2 * tokens * (4 * c.hidden + qkv + c.heads * c.headDim + 3 * c.mlp) * bytes;
  // Scores, weights and their gradients, of as many queries as there are 512 MB for (engine/composite.ts).
  const scores = 4 * Math.min(2 ** 27, c.heads * tokens * tokens) * bytes;
  return kept + block + scores;
}

const forward = (tokens) => 2 * body * tokens + 2 * c.layers * c.heads * c.headDim * tokens * tokens;
/** Operations of a task in training: forward, backward through the activations, and the second forward of the recomputed blocks. */
export const training = (tokens) => 3 * forward(tokens);
/** Of the prompt of a task that is answered. */
export const reading = forward;

/** Mean tokens of a structured prefix with its target, and about as many of a whole file before the assertion. */
const STRUCTURED = 365, FILE = 2000;
/** At most so many tokens of a task, and about how many there are. */
const snapshots = (most) => ({ most, usual: Math.min(most, STRUCTURED) }), files = (most) => ({ most, usual: FILE });

/** Trainings of the tables' methods, for one seed. Full fine-tuning also makes the gradients of the weights: a third more. */
export const TRAININGS = [
  { track: 'static', method: 'full fine-tuning', tasks: 3 * 39_612, ...snapshots(2048), factor: 4 / 3 },
  { track: 'static', method: 'single LoRA', tasks: 5 * 39_612, ...snapshots(2048) },
  { track: 'static', method: 'per-repo LoRA', tasks: 3 * 39_612, ...snapshots(2048) },
  { track: 'static', method: 'Text2LoRA', tasks: 3 * 39_612, ...snapshots(2048) },
  { track: 'static', method: 'Code2LoRA-Static', tasks: 3 * 39_612, ...snapshots(8192) },
  { track: 'evolution', method: 'single LoRA', tasks: 44_149, ...snapshots(4096) },
  { track: 'evolution', method: 'per-repo LoRA', tasks: 3 * 44_149, ...snapshots(4096) },
  { track: 'evolution', method: 'Text2LoRA', tasks: 44_149, ...snapshots(4096) },
  { track: 'evolution', method: 'Code2LoRA-Static', tasks: 1200 * 16, ...snapshots(4096) },
  { track: 'evolution', method: 'Code2LoRA-Evo', tasks: 3 * 215_129, ...files(4096) },
];
/** Trainings behind the paper's ablations that have numbers: each like a Static's on the static track. */
export const ABLATIONS = [
  { what: 'training repositories, 8 further counts (table 10)', trainings: [10, 25, 50, 100, 150, 200, 500, 623].reduce((sum, n) => sum + n / 409, 0) },
  { what: 'dependency context in training, v1 and v2', trainings: 2 },
  { what: 'PAW, with and without that context', trainings: 2 },
];
export const STATIC = TRAININGS[4];

/** What is asked of one method: CR, IR and OOD test tasks, tokens of a prompt, and new tokens: a target's and EOS, or as many as are allowed. */
export const ANSWERS = {
  static: { tasks: 6414 + 5222 + 9942, most: 16_384, usual: STRUCTURED, fresh: { most: 128, usual: 8 }, methods: 9 },
  evolution: { tasks: 44_732 + 42_061 + 14_813, most: 4096, usual: FILE, fresh: { most: 64, usual: 8 }, methods: 8 },
};
