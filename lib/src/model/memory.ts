/**
 * How many tokens go through a model at once: as many as a budget of bytes holds, from the model's shape. Results do not
 * depend on it (native/weights.h), only time and memory do.
 */
import { freemem } from 'node:os';
import type { ModelConfig } from './config.js';
import { packedWidth } from './config.js';

const FLOAT = 4;
/** More than this at once is no faster. */
const MOST_TOKENS = 16_384;

/** Bytes for what a pass computes, beside the weights: a quarter of what is free, at most 2 GB. */
export const workingBytes = (): number => Math.min(freemem() / 4, 2 ** 31);

/** Floats that one layer makes of a token: its input and output, normalised, q, k and v, attention's output, gate, up and their product. */
const ofLayer = (c: ModelConfig): number => 4 * c.hidden + packedWidth(c) + 2 * c.heads * c.headDim + 3 * c.mlp;

/** Tokens of windows that are encoded together, at least one window of `length`. */
export function windowTokens(c: ModelConfig, budget = workingBytes()): number {
  return Math.min(MOST_TOKENS, Math.floor(budget / (FLOAT * ofLayer(c))));
}

/** Tokens of prompts, with those to come, that are answered together: keys and values of all layers stay. */
export function promptTokens(c: ModelConfig, budget = workingBytes()): number {
  return Math.min(MOST_TOKENS, Math.floor(budget / (FLOAT * (ofLayer(c) + 2 * c.layers * c.kvHeads * c.headDim))));
}
