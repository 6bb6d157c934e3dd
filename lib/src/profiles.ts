/** The three sizes: one code, one line to change. Everything that differs between them stands here. */
import type { EncoderConfig } from './encoder/repository-vector.js';
import type { ModelConfig } from './model/config.js';
import type { EvolutionOptions } from './data/evolution/evolution-track.js';
import type { StaticOptions } from './data/static-track.js';
import { UserError } from './store/errors.js';

/** How adapters are trained; the same for all methods but for the learning rate. */
export interface LearningConfig {
  /** LoRA rank and alpha. */
  rank: number;
  alpha: number;
  /** H, the width of the hypernetwork's trunk. */
  headWidth: number;
  steps: number;
  /** Repositories a step, and tasks of each. */
  repositories: number;
  tasks: number;
  rates: { lora: number; hypernetwork: number };
  warmupFraction: number;
  weightDecay: number;
  clip: number;
  validateEvery: number;
}

export interface Profile {
  name: string;
  description: string;
  /** Where the repositories come from: a pinned list under data/corpora, or the generator. */
  corpus: { pinned: string } | { synthetic: { repositories: number; seed: number } };
  curation: StaticOptions & { minTasks: number };
  /** The evolution track; `cutoff` is a day (UTC) before which all histories end. */
  evolution: Omit<EvolutionOptions, 'cutoff'> & { cutoff: string };
  /** The frozen model: a folder under data/models, or one pre-trained on the spot on the synthetic repositories. */
  base: { folder: string } | { pretrain: { model: Omit<ModelConfig, 'vocabSize'>; steps: number } };
  encoder: EncoderConfig;
  /** Prompt and target together, in tokens; a longer prefix loses its beginning. */
  maxTokens: number;
  maxNewTokens: number;
  learning: LearningConfig;
  /** Tasks evaluated of each repository, drawn by seed: CR test, IR test, CR validation. */
  evaluated: { cr: number; ir: number; validation: number };
}

const EVOLUTION: Profile['evolution'] = { cutoff: '2025-04-01', identity: 'assertion', prefix: 'structured', perCommit: 8, perFile: 4 };

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
  learning: {
    rank: 4, alpha: 8, headWidth: 32, steps: 60, repositories: 4, tasks: 4, rates: { lora: 5e-3, hypernetwork: 1e-2 },
    warmupFraction: 0.03, weightDecay: 0.01, clip: 1, validateEvery: 20,
  },
  evaluated: { cr: 20, ir: 6, validation: 8 },
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
  base: { folder: 'nano-coder' },
  encoder: { window: 256, overlap: 32, minTail: 16, maxWindows: 1, maxFiles: 32 },
  maxTokens: 256,
  maxNewTokens: 32,
  learning: {
    rank: 8, alpha: 16, headWidth: 128, steps: 100, repositories: 4, tasks: 4, rates: { lora: 3e-3, hypernetwork: 4e-3 },
    warmupFraction: 0.03, weightDecay: 0.01, clip: 1, validateEvery: 25,
  },
  evaluated: { cr: 36, ir: 8, validation: 16 },
};

const profiles = [smoke, mini];

export function profileNamed(name: string): Profile {
  const found = profiles.find((p) => p.name === name);
  if (!found) throw new UserError(`There is no profile "${name}". Known: ${profiles.map((p) => p.name).join(', ')}.`);
  return found;
}
