/**
 * What a method is. It trains something or nothing, and then answers with an adapter for each context, with other
 * weights, or with a text before the prompt. Tasks, prompt format, lengths, order of the training data, EOS rule,
 * decoding and scores are the same for all.
 */
import type { LeftOut } from '../context/context.js';
import type { Repository, Task, Track } from '../data/types.js';
import type { Standardisers } from '../encoder/standardise.js';
import type { CommitInputs } from '../hypernet/unroll.js';
import type { Adapter } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import type { Model } from '../model/weights.js';
import type { LearningConfig } from '../profiles.js';
import type { Progress } from '../store/progress.js';
import type { NamedArray } from '../store/safetensors.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Context, Sampler } from '../train/draws.js';
import type { Example } from '../train/examples.js';
import type { Trained } from '../train/trainer.js';

export type { Track };

/**
 * Which adapter answers a task:
 *   none      the model without one
 *   own       written for the task's repository (and commit)
 *   first     written for its first commit, and kept: evolution track
 *   other     written for another repository of the same split
 *   average   the mean of those of the training repositories
 *   empty     written for a repository without files (a zero vector)
 *   random    written for a random vector of unit length
 */
export type AdapterKind = 'none' | 'own' | 'first' | 'other' | 'average' | 'empty' | 'random';

/** Contexts that are no repository's; `vector` and `commits` know them. */
export const EMPTY: Context = { repo: '(empty)' };
export const RANDOM: Context = { repo: '(random)' };

/** What a method may know. Vectors and files of evaluation repositories are among it, their tasks are not. */
export interface MethodInputs {
  track: Track;
  model: Model;
  /** The model's shape for adapters: of as many layers as they are for. */
  adapted: ModelConfig;
  tokenizer: Tokenizer;
  learning: LearningConfig;
  seed: number;
  train: readonly Example[];
  validation: readonly Example[];
  /** Draws the tasks of each step: the same for all methods under one seed. */
  sampler: Sampler;
  contextOf(example: Example): Context;
  /** One context for each training repository, its newest of the training part. */
  trainContexts: readonly Context[];
  /** The training repositories that in-repository tasks are asked of. */
  inRepository: ReadonlySet<string>;
  /** Vector of the repository at a context, [2h], from its non-test files. */
  vector(context: Context): Float32Array;
  /** The commits up to and with the context's, oldest first; none in the static track. */
  commits(context: Context): readonly CommitInputs[];
  /** The snapshot that the static track's tasks were cut from. */
  repository(id: string): Promise<Repository>;
  /** Repositories that are asked about, of all suites. */
  evaluated: readonly string[];
  /** All tasks of a repository, also those that may be asked: for measuring what there is to learn, not for learning to answer. */
  repositoryTasks(repo: string): readonly Example[];
  /** What the method that this one goes on from has trained. */
  start?: TrainedMethod;
  /** Most tokens of a text before the prompt. */
  contextTokens: number;
  /** Texts -> vectors [h], by the frozen model. */
  embed(texts: string[]): Float32Array[];
}

/** What is left of training: values by name, and what it took. */
export interface TrainedMethod extends Omit<Trained, 'parameters'> {
  values: ReadonlyMap<string, NamedArray>;
  /** The constants that its vectors were standardised by. */
  standardisers: Standardisers;
  /** Of `oneEach`: passes over each repository's texts, and how many repositories. */
  passes?: number;
  repositories?: number;
}

/** A method that is ready to answer. Absent parts leave model and prompt as they are. */
export interface Answers {
  model?: Model;
  adapter?(context: Context): Adapter;
  /** The hidden vector that the adapter is written from, where one is. */
  trunk?(context: Context): Float32Array;
  /** The adapter is the same for all contexts. */
  shared?: boolean;
  /** Text to stand before the prefix; empty for none. */
  text?(task: Task): Promise<string>;
  /** What its texts so far could not hold, by reason. */
  leftOut?(): LeftOut;
  dispose(): void;
}

export interface Method {
  name: string;
  tracks: readonly Track[];
  /** Adapters it answers with, in the order of the tables: its own first, then the controls. */
  adapters(track: Track): readonly AdapterKind[];
  /** The authors gave it a prompt of its own (`conditions: 'published'`): a marker line, no EOS, a shorter length. */
  publishedPrompt?: true;
  /** It reads the repositories' text, which the published tables do not have. */
  readsSource?: true;
  /** Answers only for repositories it was trained on. */
  inRepositoryOnly?: true;
  /** The method whose training it goes on from, under the same settings and seed. */
  startsFrom?: string;
  /** Whether it may be asked a task, given all tasks of the repository; every task when absent. */
  asks?(example: Example, all: readonly Example[]): boolean;
  /**
   * The settings that change what is trained, which name the result; absent where nothing is. Methods of equal `settings`
   * share what was trained.
   */
  settings?(learning: LearningConfig, track: Track): object;
  /** @param folder keeps what an interrupted run goes on with */
  train?(inputs: MethodInputs, folder: string, progress: Progress): Promise<Omit<TrainedMethod, 'standardisers'>>;
  /** It trains an adapter for each repository that is asked about, in passes of its own. */
  oneEach?: true;
  /** The settings that change its answers only. */
  answerSettings?(learning: LearningConfig): object;
  answers(inputs: MethodInputs, trained: TrainedMethod | undefined): Promise<Answers>;
}
