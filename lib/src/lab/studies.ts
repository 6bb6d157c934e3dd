/**
 * The questions that take several trainings beside the headline, each as a list of runs. A notebook shows them, and
 * `reproduce --all` makes them beforehand, so that the cells find them stored.
 */
import type { LearningConfig } from '../profiles.js';
import { SEEDS } from './plan.js';
import type { SweepRun } from './sweep-run.js';

/** Passes over the training tasks, as many as in the paper. */
export const PASSES = 3;
/** Passes after which `trainingLength` looks at what was trained. */
const AFTER = [0.25, 0.5, 1, 2, 3];

/** One training of three passes, asked at several of its moments, and at the step that validation chose. */
export const trainingLength = (method = 'code2lora-static'): SweepRun[] => [
  ...AFTER.map((keptAfter) => ({ name: `${keptAfter}`, method, learning: { passes: PASSES, keptAfter } })),
  { name: 'best by validation', method, learning: { passes: PASSES } },
];

/** Trainings on the first so many of the training repositories and on all of them, each of three passes. @param available how many there are */
export const moreRepositories = (available = Number.POSITIVE_INFINITY, counts: readonly number[] = COUNTS): SweepRun[] => [
  ...counts.filter((count) => count < available).map((trainRepositories) => ({ name: `${trainRepositories}`, method: 'code2lora-static', learning: { passes: PASSES, trainRepositories } })),
  { name: 'all', method: 'code2lora-static', learning: { passes: PASSES } },
];
const COUNTS = [10, 25, 50, 100, 200];

/**
 * How much there is to win: single LoRA trained further on each repository alone, beside what written adapters win. All were trained
 * for one pass before: after less, part of what training on gains is what any more training would have gained.
 */
export const headroom = (): SweepRun[] => ['single-lora', 'code2lora-static', 'code2lora-evo', 'headroom-tests', 'headroom-source']
  .map((method) => ({ name: method, method, learning: { passes: 1 } }));

/** What the encoder reads: production code (the paper), tests that are not asked about, or both. The tasks are the same for all three. */
export const whatIsRead = (): SweepRun[] => Object.entries({ 'source (paper)': 'source', 'other tests': 'tests', 'both': 'source+tests' } as const)
  .map(([name, files]) => ({ name, method: 'code2lora-static', encoder: { files, halved: true } }));

export type Conditions = NonNullable<LearningConfig['conditions']>;

/** The methods whose prompt the authors made another one than the others', under that prompt and under the same as all. */
export const conditions = (seeds: readonly number[] = SEEDS): (SweepRun & { conditions: Conditions })[] =>
  ['full-fine-tuning', 'single-lora', 'per-repo-lora'].flatMap((method) => (['published', 'matched'] as const).flatMap((one) => seeds.map((seed) => (
    { name: `${method}, ${one}, seed ${seed}`, method, seed, conditions: one, ...(one === 'published' && { learning: { conditions: one } }) }))));
