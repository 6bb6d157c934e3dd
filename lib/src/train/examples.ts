/** From a task to token ids: prefix (cut on the left), target, EOS; and batches of them, padded on the right. */
import { tf, type Tensor } from '../engine/tensorflow.js';
import type { Task } from '../data/types.js';
import type { ModelConfig } from '../model/config.js';
import { filledLength, trainingTokensAtOnce } from '../model/memory.js';
import type { Tokenizer } from '../text/tokenizer.js';

export interface Example {
  task: Task;
  /** The end of the prefix, as much as there is room for, and the marker. */
  prefix: number[];
  /** Target, and EOS where the format has it; never cut. */
  target: number[];
}

/** How a task is put to a model. */
export interface PromptFormat {
  /** Text between prefix and target. */
  marker: string;
  /** Whether EOS is learnt after the target. */
  eos: boolean;
  /** Prompt and target together; a longer prefix loses its beginning. */
  maxTokens: number;
}

/** One format for all methods: the bare prefix, and EOS after the target. */
export const matched = (maxTokens: number): PromptFormat => ({ marker: '', eos: true, maxTokens });
/** The authors' first format of fine-tuned baselines: a marker line, no EOS, a quarter of the length (2,048 of 8,192). */
export const asPublished = (maxTokens: number): PromptFormat => ({ marker: '\n### Target:\n', eos: false, maxTokens: maxTokens / 4 });

/** The least of a prefix that is worth learning from, or to be asked with. */
const LEAST_PREFIX = 32;
/** Whether a format has room for any target beside that. */
export const hasRoom = ({ maxTokens }: PromptFormat): boolean => maxTokens > LEAST_PREFIX;

/**
 * Training tasks whose target leaves no room for a prefix are left out and counted. Tasks that are judged all stay, so that
 * methods of different formats answer the same: their prefix keeps a little more than there is room for.
 */
export function toExamples(
  tasks: readonly Task[], tokenizer: Tokenizer, format: PromptFormat, use: 'training' | 'judging',
): { examples: Example[]; oversize: number } {
  const marker = tokenizer.encode(format.marker);
  let oversize = 0;
  const examples: Example[] = [];
  for (const task of tasks) {
    const target = tokenizer.encode(task.target);
    if (format.eos) target.push(tokenizer.eos);
    const left = format.maxTokens - target.length - marker.length;
    if (use === 'training' && left < LEAST_PREFIX) {
      oversize++;
      continue;
    }
    const room = Math.max(LEAST_PREFIX, left);
    examples.push({ task, prefix: [...promptTokens(task.prefix, tokenizer, room), ...marker], target });
  }
  return { examples, oversize };
}

/** The last `room` tokens of a prefix, of whose end 12 characters a token are read: fewer tokens come of text that has more in each, such as a line of 100 dashes. */
export function promptTokens(prefix: string, tokenizer: Tokenizer, room: number): number[] {
  return tokenizer.encode(prefix.slice(-room * 12)).slice(-room);
}

export interface Batch {
  /** [B, T] int32 */
  ids: Tensor;
  /** Rows of the flattened [B*T] hidden states from which target tokens are predicted. */
  rows: Tensor;
  /** The tokens to predict there, int32. */
  target: Tensor;
}

/** Tasks of these that go through a model at once in training: at most `most`, and as many as there is memory for, but one. */
export function tasksAtOnce(config: ModelConfig, examples: readonly Example[], most: number, checkpoint: boolean): number {
  const longest = Math.max(...examples.map((e) => e.prefix.length + e.target.length));
  return Math.max(1, Math.min(most, Math.floor(trainingTokensAtOnce(config, checkpoint) / longest)));
}

/** Lengths are rounded up to a multiple of 32, so that few shapes occur. */
export function toBatch(examples: readonly Example[], pad: number): Batch {
  const time = filledLength(Math.max(...examples.map((e) => e.prefix.length + e.target.length)), 32);
  const ids = new Int32Array(examples.length * time).fill(pad);
  const rows: number[] = [], target: number[] = [];
  examples.forEach((e, b) => {
    ids.set(e.prefix, b * time);
    ids.set(e.target, b * time + e.prefix.length);
    e.target.forEach((token, i) => {
      rows.push(b * time + e.prefix.length + i - 1);
      target.push(token);
    });
  });
  return {
    ids: tf.tensor2d(ids, [examples.length, time], 'int32'),
    rows: tf.tensor1d(rows, 'int32'),
    target: tf.tensor1d(target, 'int32'),
  };
}
