/**
 * How many tokens go through a model at once: as many as a budget of bytes holds, from the model's shape. Results do not
 * depend on it (native/weights.h), only time and memory do.
 */
import { freemem } from 'node:os';
import { packedWidth, type ModelConfig } from './config.js';

const FLOAT = 4;
/** More than this at once is no faster. */
const MOST_TOKENS = 16_384;

/** Bytes for what a pass computes, beside the weights: an eighth of what is free, at most so many. */
const workingBytes = (most: number): number => Math.min(freemem() / 8, most);
/** Windows are encoded one batch after another; prompts that are answered together share the reading of the weights at every token. */
const WINDOW_BYTES = 2 ** 29, PROMPT_BYTES = 2 ** 30;

/**
 * Bytes of what a training step keeps for its backward pass. The same on every machine: in how many parts a step's
 * gradient is added up shows in its last bits.
 */
const TRAINING_BYTES = 3 * 2 ** 30;

/** Floats that one layer makes of a token: its input and output, normalised, q, k and v, attention's output, gate, up and their product. */
const ofLayer = (c: ModelConfig): number => 4 * c.hidden + packedWidth(c) + 2 * c.heads * c.headDim + 3 * c.mlp;

/** At least one sequence goes through, whatever the budget: callers see to that. */
const tokens = (budget: number, floats: number): number => Math.min(MOST_TOKENS, Math.floor(budget / (FLOAT * floats)));

/** Tokens of windows that are encoded together. */
export const windowTokensAtOnce = (c: ModelConfig, budget = workingBytes(WINDOW_BYTES)): number => tokens(budget, ofLayer(c));

/** Tokens of prompts, with those to come, that are answered together: keys and values of all layers stay. */
export const promptTokensAtOnce = (c: ModelConfig, budget = workingBytes(PROMPT_BYTES)): number =>
  tokens(budget, ofLayer(c) + 2 * c.layers * c.kvHeads * c.headDim);

/**
 * Tokens of a training step that go through the model together: values are kept for the backward pass, and tfjs keeps
 * their gradients to its end. `checkpoint`: of all layers but one, the inputs are kept alone.
 */
export const trainingTokensAtOnce = (c: ModelConfig, checkpoint: boolean, budget = TRAINING_BYTES): number =>
  tokens(budget, 2 * (checkpoint ? c.layers * c.hidden + ofLayer(c) : c.layers * ofLayer(c)));
