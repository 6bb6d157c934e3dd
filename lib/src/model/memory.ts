/**
 * How many tokens go through a model at once: as many as a budget of bytes holds, from the model's shape. Results do not
 * depend on it (native/weights.h), only time and memory do.
 */
import { gpus } from '../engine/gpu.js';
import { onGpu, usesKernels } from '../engine/tensorflow.js';
import { packedWidth, type ModelConfig } from './config.js';

const FLOAT = 4;
/** More than this at once is no faster. */
const MOST_TOKENS = 16_384;

/**
 * The length that sequences of `length` tokens are filled up to: few lengths mean few functions where work is recorded
 * (engine/recorded.ts).
 */
export const filledLength = (length: number, step: number): number => {
  const whole = usesKernels ? step : Math.max(step, 64);
  return Math.ceil(length / whole) * whole;
};

/** On a GPU, which is only busy with many, what its memory holds. */
const mostTokens = onGpu ? 2 ** 18 : MOST_TOKENS;

/** Bytes for what a pass computes, beside the weights: an eighth of what is free (in a container or a job, of its share), on a CPU at most so many. */
const workingBytes = (most: number): number => (onGpu ? deviceBytes() / 8 : Math.min(process.availableMemory() / 8, most));
/** A GPU's memory that was free at first. */
const deviceBytes = (): number => gpus()[0]?.freeBytes ?? 2 ** 33;
/** Windows are encoded one batch after another; prompts that are answered together share the reading of the weights at every token. */
const WINDOW_BYTES = 2 ** 29, PROMPT_BYTES = 2 ** 30;

/**
 * Bytes of what a training step keeps for its backward pass. The same on every machine that trains on its processor: in how
 * many parts a step's gradient is added up shows in its last bits. On a GPU a power of two at a quarter of its memory or
 * below, which stays the same when a little more or less of it is free.
 */
const trainingBytes = (): number => (onGpu ? 2 ** Math.floor(Math.log2(deviceBytes() / 4)) : 3 * 2 ** 30);

/** Floats that one layer makes of a token: its input and output, normalised, q, k and v, attention's output, gate, up and their product. */
const ofLayer = (c: ModelConfig): number => 4 * c.hidden + packedWidth(c) + 2 * c.heads * c.headDim + 3 * c.mlp;

/** At least one sequence goes through, whatever the budget: callers see to that. */
const tokens = (budget: number, floats: number): number => Math.min(mostTokens, Math.floor(budget / (FLOAT * floats)));

/** Tokens of windows that are encoded together. */
export const windowTokensAtOnce = (c: ModelConfig, budget = workingBytes(WINDOW_BYTES)): number => tokens(budget, ofLayer(c));

/** Tokens of prompts, with those to come, that are answered together: keys and values of all layers stay. */
export const promptTokensAtOnce = (c: ModelConfig, budget = workingBytes(PROMPT_BYTES)): number =>
  tokens(budget, ofLayer(c) + 2 * c.layers * c.kvHeads * c.headDim);

/**
 * Tokens of a training step that go through the model together: values are kept for the backward pass, and tfjs keeps
 * their gradients to its end. `checkpoint`: of all layers but one, the inputs are kept alone.
 */
export const trainingTokensAtOnce = (c: ModelConfig, checkpoint: boolean, budget = trainingBytes()): number =>
  // TensorFlow's ops make a dozen arrays of what a kernel makes one of; a block is then always computed again.
  tokens(budget, usesKernels ? 2 * (checkpoint ? c.layers * c.hidden + ofLayer(c) : c.layers * ofLayer(c)) : 2 * c.layers * c.hidden + 12 * ofLayer(c));
