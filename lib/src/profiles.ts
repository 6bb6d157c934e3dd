/** The sizes: one code, one line to change. Everything that differs between them stands here. */
import { released } from './encoder/recipe.js';
import type { EncoderConfig } from './encoder/repository-vector.js';
import type { ModelConfig } from './model/config.js';
import type { EvolutionOptions } from './data/evolution/evolution-track.js';
import type { StaticOptions } from './data/static-track.js';
import type { Track } from './data/types.js';
import type { HubDataset } from './data/sources/hub.js';
import { UserError } from './store/errors.js';

/** The head of a hypernetwork, and how its input comes (protocol of the forms: hypernet/static-head.ts). */
export interface HeadConfig {
  form: 'paper' | 'residual' | 'film';
  trunkBias: 'default' | 'zero';
  /** Mean 0 and deviation 1 in every element, over the training repositories. */
  standardise: boolean;
  /** Of the standardised vectors only so many principal components are read, each to deviation 1; all elements when absent. */
  components?: number;
}

/** How methods are trained; the same for all but for the learning rate. */
export interface LearningConfig {
  /**
   * `matched` when absent: one prompt format for all. `published` gives full fine-tuning, single and per-repo LoRA the
   * authors' first format, to see what that difference makes.
   */
  conditions?: 'matched' | 'published';
  /** LoRA rank and alpha. */
  rank: number;
  alpha: number;
  /** Only so many of the model's last layers are adapted; all when absent. Those below are then passed without a gradient. */
  layers?: number;
  steps: number;
  /** Passes over the training tasks, in place of `steps`. The parameters after a quarter, a half and each whole pass are kept. */
  passes?: number;
  /** Passes after which the parameters that answer were kept; those of the least validation loss when absent. */
  keptAfter?: number;
  /** Training repositories, the first of a shuffled list, so that more hold fewer; all when absent. */
  trainRepositories?: number;
  /** Static track: tasks of a step, balanced by repository (so many, and so many tasks of each) or uniform over all tasks. */
  sampling: 'balanced' | 'uniform';
  repositories: number;
  tasks: number;
  /** Evolution track: repositories of a step, consecutive commits of each (K of truncated back-propagation), tasks of each commit. */
  walk: { repositories: number; commits: number; tasks: number };
  /** Peak learning rates by what is trained. What Text2LoRA and PAW write is unbounded, so theirs are lower than the head's. */
  rates: { lora: number; hypernetwork: number; text2lora: number; paw: number; weights: number };
  schedule: 'cosine' | 'linear';
  warmupFraction: number;
  weightDecay: number;
  clip: number;
  validateEvery: number;
  /** Measurements without a new best after which training ends. */
  patience?: number;
  /** Tasks that go through the model at once. */
  microBatch: number;
  /** The authors' detached input of the low-rank branch, and recomputing blocks to save memory: ForwardOptions. Of methods that train adapters. */
  detachInput: boolean;
  checkpoint: boolean;
  /** H, the width of the hypernetwork's trunk. */
  headWidth: number;
  head: HeadConfig;
  /** A margin between the own and another repository's adapter: AdapterLearning. */
  contrast?: { weight: number; margin: number };
  /**
   * Width of the recurrent state; what a step reads; no gradient between commits, as in the authors' code; and how much of
   * the state a step keeps before training: half as PyTorch starts, or an eighth.
   */
  evo: { width: number; stepInput: 'diff' | 'state' | 'both'; detachEveryCommit: boolean; memory?: 'short' };
  text2lora: { task: number; hidden: number };
  paw: { bases: number };
  /** Per-repo LoRA: passes over a repository's own tasks, and tasks of a step. */
  perRepository: { epochs: number; batch: number };
  /** Retrieval: chunks in a context, and tokens of a chunk. */
  rag: { k: number; chunkTokens: number };
}

/** RepoPeftBench as published: tasks and vectors of snapshots, and of commits. */
export interface PublishedCorpus {
  snapshots: HubDataset;
  commits: HubDataset;
}

export interface Profile {
  name: string;
  description: string;
  /** Where the repositories come from: a pinned list under data/corpora, the generator, or the authors' tables. */
  corpus: { pinned: string } | { synthetic: { repositories: number; seed: number } } | { published: PublishedCorpus };
  curation: StaticOptions;
  /** The evolution track; `cutoff` is a day (UTC) before which all histories end. */
  evolution: Omit<EvolutionOptions, 'cutoff'> & { cutoff: string };
  /**
   * The frozen model by its name (nano-coder, which comes with the project; pinned, on the hub, or a path), or one
   * pre-trained on the spot on the synthetic repositories.
   */
  base: { model: string } | { pretrain: { model: Omit<ModelConfig, 'vocabSize'>; steps: number } };
  encoder: EncoderConfig;
  /** Prompt and target together, in tokens; a longer prefix loses its beginning. */
  maxTokens: number;
  maxNewTokens: number;
  /** Most tokens of a retrieved or resolved context, which stands before the prompt and takes nothing from it. */
  contextTokens: number;
  learning: LearningConfig;
  /**
   * Most tasks evaluated of each repository (static track) or commit (evolution track), drawn by seed. In-repository tasks
   * are those of `irRepositories` training repositories, drawn alike. Of long histories at most `commits` commits are
   * asked about, evenly from the first to the last.
   */
  evaluated: Record<Track, { CR: number; IR: number; irRepositories: number; OOD: number; validation: number; commits?: number }>;
  /** Most tasks of each repository or commit whose likelihood is taken, those that are decoded among them: it costs a pass and no decoding. */
  likelihood: Record<Track, { CR: number; IR: number; OOD: number }>;
  /** Methods that `reproduce` leaves to `reproduce --all`, where each takes an hour. */
  headlineWithout?: readonly string[];
}

/** Qwen2.5-Coder-1.5B. */
export const QWEN_CODER_1_5B: ModelConfig = {
  vocabSize: 151_936, hidden: 1536, layers: 28, heads: 12, kvHeads: 2, headDim: 128, mlp: 8960, ropeTheta: 1_000_000, rmsEps: 1e-6,
  maxTokens: 32_768,
};

export const EVOLUTION: Profile['evolution'] = { cutoff: '2025-04-01', identity: 'assertion', prefix: 'structured', perCommit: 8, perFile: 4 };

/** What the small profiles have in common: the published optimiser settings, and the head that kept the most of a repository's signal (docs/log.md). */
const LEARNING = {
  sampling: 'balanced', schedule: 'cosine', warmupFraction: 0.03, weightDecay: 0.01, clip: 1, detachInput: false, checkpoint: false,
  head: { form: 'residual', trunkBias: 'zero', standardise: true }, rag: { k: 3, chunkTokens: 64 },
} as const satisfies Partial<LearningConfig>;

const smoke: Profile = {
  name: 'smoke',
  description: 'synthetic repositories and a tiny model: shows that everything works, in minutes',
  corpus: { synthetic: { repositories: 24, seed: 3407 } },
  curation: { seed: 3407, maxTasks: 60, minTasks: 10, keepShared: true },
  evolution: { ...EVOLUTION, keepShared: true, keepShort: true },
  base: {
    pretrain: {
      model: { hidden: 64, layers: 2, heads: 2, kvHeads: 1, headDim: 32, mlp: 128, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256 },
      steps: 160,
    },
  },
  encoder: { window: 128, overlap: 16, minTail: 16, maxWindows: 2, maxFiles: 8 },
  maxTokens: 160,
  maxNewTokens: 16,
  contextTokens: 256,
  learning: {
    ...LEARNING,
    head: { ...LEARNING.head, components: 8 },
    rank: 4, alpha: 8, headWidth: 32, steps: 60, repositories: 4, tasks: 4, walk: { repositories: 2, commits: 4, tasks: 2 },
    rates: { lora: 5e-3, hypernetwork: 5e-3, text2lora: 1e-3, paw: 2e-3, weights: 1e-3 }, validateEvery: 20, microBatch: 64,
    evo: { width: 32, stepInput: 'diff', detachEveryCommit: false }, text2lora: { task: 16, hidden: 32 }, paw: { bases: 4 },
    perRepository: { epochs: 1, batch: 16 },
  },
  evaluated: { static: { CR: 20, IR: 6, irRepositories: Infinity, OOD: 0, validation: 8 }, evolution: { CR: 2, IR: 2, irRepositories: Infinity, OOD: 0, validation: 1 } },
  likelihood: { static: { CR: 30, IR: 10, OOD: 0 }, evolution: { CR: 4, IR: 4, OOD: 0 } },
};

const synthetic: Profile = {
  name: 'synthetic',
  description: 'repositories whose answers are known, and nano-coder: can a method read a repository at all?',
  corpus: { synthetic: { repositories: 112, seed: 3407 } },
  curation: { seed: 3407, maxTasks: 60, minTasks: 10, keepShared: true },
  // All questions of a commit are kept and asked: a draw by one seed from lists of one length would ask the same one each time.
  evolution: { ...EVOLUTION, keepShared: true, keepShort: true, perCommit: 12, perFile: 6 },
  base: { model: 'nano-coder' },
  encoder: { window: 256, overlap: 16, minTail: 16, maxWindows: 2, maxFiles: 8 },
  maxTokens: 64,
  maxNewTokens: 16,
  contextTokens: 256,
  learning: {
    ...LEARNING,
    head: { ...LEARNING.head, components: 40 },
    rank: 8, alpha: 16, headWidth: 64, steps: 300, repositories: 8, tasks: 4, walk: { repositories: 16, commits: 2, tasks: 1 },
    rates: { lora: 2e-3, hypernetwork: 3e-3, text2lora: 5e-4, paw: 1e-3, weights: 3e-4 }, validateEvery: 50, patience: 2, microBatch: 64,
    evo: { width: 64, stepInput: 'both', detachEveryCommit: false, memory: 'short' }, text2lora: { task: 64, hidden: 128 }, paw: { bases: 16 },
    perRepository: { epochs: 1, batch: 16 },
  },
  evaluated: { static: { CR: 18, IR: 0, irRepositories: Infinity, OOD: 0, validation: 6 }, evolution: { CR: 12, IR: 0, irRepositories: Infinity, OOD: 0, validation: 3 } },
  likelihood: { static: { CR: 18, IR: 0, OOD: 0 }, evolution: { CR: 12, IR: 0, OOD: 0 } },
};

const mini: Profile = {
  name: 'mini',
  description: 'PyPI projects that ship their tests, and nano-coder: real code on a laptop',
  corpus: { pinned: 'mini.json' },
  // Wheels hold far more assertions than the caps keep: drawn at random, targets are as long as the paper's; the
  // shortest first, as the authors sort, would leave little but digits and True.
  curation: { seed: 3407, maxTasks: 200, minTasks: 30, order: 'random', maxFiles: 60 },
  // A release stands for many commits, so more of its tasks are kept.
  evolution: { ...EVOLUTION, perCommit: 64 },
  base: { model: 'nano-coder' },
  encoder: { window: 256, overlap: 32, minTail: 16, maxWindows: 1, maxFiles: 32 },
  maxTokens: 256,
  maxNewTokens: 32,
  contextTokens: 256,
  learning: {
    ...LEARNING,
    rank: 8, alpha: 16, headWidth: 128, steps: 80, repositories: 4, tasks: 4, walk: { repositories: 2, commits: 4, tasks: 2 },
    rates: { lora: 3e-3, hypernetwork: 2e-3, text2lora: 5e-4, paw: 1e-3, weights: 3e-4 }, validateEvery: 20, microBatch: 32,
    evo: { width: 128, stepInput: 'diff', detachEveryCommit: false }, text2lora: { task: 64, hidden: 128 }, paw: { bases: 16 },
    perRepository: { epochs: 3, batch: 16 },
  },
  evaluated: {
    static: { CR: 24, IR: 12, irRepositories: 30, OOD: 24, validation: 16 },
    evolution: { CR: 16, IR: 16, irRepositories: Infinity, OOD: 16, validation: 4 },
  },
  likelihood: { static: { CR: 48, IR: 48, OOD: 48 }, evolution: { CR: 16, IR: 16, OOD: 16 } },
};

const paper: Profile = {
  name: 'paper',
  description: "Qwen2.5-Coder-1.5B and the authors' published tasks and vectors: one GPU",
  corpus: {
    published: {
      snapshots: { name: 'code2lora/code2lora-data-snapshots', revision: 'main' },
      commits: { name: 'code2lora/code2lora-data-commits', revision: 'main' },
    },
  },
  curation: { seed: 3407, maxTasks: 200, minTasks: 30 },
  evolution: EVOLUTION,
  base: { model: 'Qwen/Qwen2.5-Coder-1.5B' },
  // For repositories of one's own: the vectors of the tables were made so.
  encoder: released,
  maxTokens: 4096,
  maxNewTokens: 64,
  contextTokens: 4096,
  learning: {
    ...LEARNING,
    rank: 16, alpha: 32, headWidth: 1024, steps: 1200, repositories: 1, tasks: 16, walk: { repositories: 1, commits: 16, tasks: 8 },
    rates: { lora: 2e-4, hypernetwork: 1e-4, text2lora: 2.5e-5, paw: 1e-4, weights: 2e-5 }, validateEvery: 200, microBatch: 16, checkpoint: true,
    evo: { width: 2048, stepInput: 'diff', detachEveryCommit: false }, text2lora: { task: 128, hidden: 512 }, paw: { bases: 16 },
    perRepository: { epochs: 3, batch: 16 }, rag: { k: 3, chunkTokens: 512 },
  },
  evaluated: { static: { CR: 8, IR: 8, irRepositories: Infinity, OOD: 8, validation: 1 }, evolution: { CR: 8, IR: 8, irRepositories: Infinity, OOD: 8, validation: 1 } },
  likelihood: { static: { CR: 32, IR: 32, OOD: 32 }, evolution: { CR: 8, IR: 8, OOD: 8 } },
};

/** As `mini`, but for the repositories: the paper has 409 to train on. */
const pypi: Profile = {
  ...mini,
  name: 'pypi',
  description: 'source distributions of 480 PyPI projects, and nano-coder: what more repositories bring',
  corpus: { pinned: 'pypi.json' },
  curation: { ...mini.curation, maxTasks: 60 },
  learning: { ...mini.learning, passes: 3, repositories: 8, tasks: 2, validateEvery: 200 },
  evaluated: { ...mini.evaluated, static: { CR: 16, IR: 6, irRepositories: 120, OOD: 0, validation: 8 } },
  likelihood: { ...mini.likelihood, static: { CR: 60, IR: 6, OOD: 0 } },
};

/** Between `mini` and `paper`: git histories, and a model that was trained on code by others. */
const coder: Profile = {
  ...mini,
  name: 'coder',
  description: 'git histories of 157 public repositories, and SmolLM2-135M-Instruct: a model of others, on a laptop',
  corpus: { pinned: 'mini-git.json' },
  curation: { ...mini.curation, maxTasks: 100 },
  evolution: { ...EVOLUTION, perCommit: 4, perFile: 2 },
  base: { model: 'smollm2-135m' },
  // Thousands of diffs are read: by the small model, which takes a twentieth of the time.
  encoder: { ...mini.encoder, model: 'nano-coder' },
  maxTokens: 544,
  contextTokens: 512,
  learning: {
    ...mini.learning, rank: 16, alpha: 32, steps: 100, rates: { ...mini.learning.rates, lora: 1e-3 }, validateEvery: 25, microBatch: 8,
  },
  evaluated: {
    static: { CR: 8, IR: 4, irRepositories: 30, OOD: 8, validation: 6 },
    evolution: { CR: 1, IR: 1, irRepositories: 30, OOD: 1, validation: 1, commits: 6 },
  },
  likelihood: { static: { CR: 24, IR: 10, OOD: 24 }, evolution: { CR: 2, IR: 2, OOD: 2 } },
  headlineWithout: ['code2lora-static-paper'],
};

/**
 * The highest peak learning rates that are taken under Qwen2.5-Coder, whether pinned, from the hub or a file: with twice and
 * four times these the 0.5B's loss on validation repositories was higher (docs/log.md). Larger ones have them untried.
 */
const QWEN_CODER = /qwen2\.5-coder[^/\\]*$/i, QWEN_RATES = { lora: 5e-4, hypernetwork: 5e-4 };

export const profiles: readonly Profile[] = [smoke, synthetic, mini, pypi, coder, paper];

/**
 * @param name of a profile; `mini@smollm2-135m` is `mini` with another frozen model, and keeps results of its own. The name that it
 *   gets is that of a folder, and names the same profile again: `mini@Qwen%2FQwen2.5-Coder-0.5B`
 */
export function profileNamed(name: string): Profile {
  const [, plain, given] = /^([^@]*)(?:@(.+))?$/.exec(name) ?? [];
  const found = profiles.find((p) => p.name === plain);
  if (!found) throw new UserError(`There is no profile "${name}". Known: ${profiles.map((p) => p.name).join(', ')}; each also with another frozen model, as mini@MODEL.`);
  if (given === undefined) return found;
  const model = decoded(given), { rates } = found.learning, highest = QWEN_CODER.test(model) ? QWEN_RATES : rates;
  return {
    ...found, name: `${plain}@${encodeURIComponent(model)}`, description: `${found.description}; with ${model} in place of its own frozen model`, base: { model },
    learning: { ...found.learning, rates: { ...rates, lora: Math.min(rates.lora, highest.lora), hypernetwork: Math.min(rates.hypernetwork, highest.hypernetwork) } },
  };
}

/** The name as it was before it became a folder's; itself where it never was one. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
