/**
 * Made-up runs, clearly so: repositories `synthetic-00…`, and answers drawn around a rate that each adapter is given. Scores
 * follow from the text of an answer, which is one of five.
 */
import type { Likelihood, Prediction, Run } from 'code2lora';
import { profileNamed } from '../../lib/dist/profiles.js';
import { Random } from '../../lib/dist/store/random.js';

/** Target `True`: what each answer is worth. The fourth is right by the relaxed match alone, which cuts at the comma. */
const RIGHT = 'True', WRONG = ['False', 'value', 'f(', ''] as const, ALMOST = 'True, 1';

interface Rates {
  track: Prediction['track'];
  method: string;
  seeds: readonly number[];
  /** By adapter and suite. */
  rates: Partial<Record<Prediction['adapter'], Partial<Record<Prediction['suite'], number>>>>;
}

const ONE = [3407], THREE = [3407, 1234, 5678];

const ROWS: readonly Rates[] = [
  { track: 'static', method: 'pretrained', seeds: ONE, rates: { none: { CR: 0.31, IR: 0.32 } } },
  { track: 'static', method: 'rag', seeds: ONE, rates: { none: { CR: 0.28, IR: 0.3 } } },
  { track: 'static', method: 'single-lora', seeds: THREE, rates: { own: { CR: 0.38, IR: 0.42 } } },
  { track: 'static', method: 'per-repo-lora', seeds: THREE, rates: { own: { IR: 0.4 } } },
  {
    track: 'static', method: 'code2lora-static', seeds: THREE, rates: {
      own: { CR: 0.7, IR: 0.75 }, other: { CR: 0.4, IR: 0.74 }, average: { CR: 0.5, IR: 0.5 }, empty: { CR: 0.4, IR: 0.4 }, random: { CR: 0.2, IR: 0.2 },
    },
  },
  { track: 'evolution', method: 'pretrained', seeds: ONE, rates: { none: { CR: 0.3, IR: 0.3, OOD: 0.4 } } },
  {
    track: 'evolution', method: 'code2lora-evo', seeds: THREE.slice(0, 2), rates: {
      own: { CR: 0.4, IR: 0.4, OOD: 0.5 }, first: { CR: 0.4, IR: 0.4, OOD: 0.5 }, other: { CR: 0.6, IR: 0.4, OOD: 0.5 }, average: { CR: 0.3, IR: 0.3, OOD: 0.3 },
    },
  },
];

/** One run a method, track and seed. `idOf` names them. */
export function syntheticRuns(
  { repositories = 8, tasksEach = 24, idOf = ({ track, method, seed }) => `${track}-${method}-s${seed}-000000000000` }: {
    repositories?: number; tasksEach?: number; idOf?: (run: Pick<Run['record'], 'track' | 'method' | 'seed'>) => string;
  } = {},
): Run[] {
  const random = new Random(7);
  return ROWS.flatMap(({ track, method, seeds, rates }) => seeds.map((seed): Run => {
    const predictions = Object.entries(rates).flatMap(([adapter, bySuite]) => Object.entries(bySuite).flatMap(([suite, rate]) =>
      Array.from({ length: repositories }, (_, r) => {
        const name = `synthetic-${suite}-${String(r).padStart(2, '0')}`;
        const own = rate + 0.2 * (random.next() - 0.5);
        return Array.from({ length: tasksEach }, (_, t): Prediction => {
          const text = random.next() < own ? RIGHT : random.next() < 0.1 ? ALMOST : WRONG[random.below(WRONG.length)]!;
          const relaxedEM = text === RIGHT || text === ALMOST;
          return {
            taskId: `${name}:test_${t}.py:0:4`, repo: name, track, suite: suite as Prediction['suite'], commitIndex: 0,
            method, adapter: adapter as Prediction['adapter'], seed, target: RIGHT, prediction: text,
            strictEM: text === RIGHT, relaxedEM, editSimilarity: relaxedEM ? 1 : 0.6 * random.next(), codeBleu: relaxedEM ? 1 : 0.5 * random.next(),
          };
        });
      }).flat()));
    const made = record({ track, method, seed, id: idOf({ track, method, seed }), predictions: predictions.length });
    return { record: made, predictions, likelihoods: predictions.map((p) => likelihoodOf(p, rates[p.adapter]![p.suite]!, random.next())) };
  }));
}

/** Fewer nats where answers are right more often, give or take a tenth. */
function likelihoodOf({ taskId, repo, track, suite, commitIndex, method, adapter, seed }: Prediction, rate: number, noise: number): Likelihood {
  return { taskId, repo, track, suite, commitIndex, method, adapter, seed, targetTokens: 2, targetNats: 2 * (2 - rate + 0.2 * (noise - 0.5)), eosNats: noise };
}

export const predictionsOf = (runs: readonly Run[]): Prediction[] => runs.flatMap((run) => run.predictions);

function record(of: Pick<Run['record'], 'track' | 'method' | 'seed' | 'id' | 'predictions'>): Run['record'] {
  const trains = of.method !== 'pretrained' && of.method !== 'rag';
  return {
    ...of, profile: 'smoke', inputs: { tasks: `tasks-${of.track}`, base: 'base', trained: trains ? `${of.track}-${of.method}-${of.seed}` : null },
    learning: null, settings: null, maxTokens: 160, contextTokens: of.method === 'rag' ? 160 : 0, evaluated: profileNamed('smoke').evaluated[of.track],
    versions: {}, device: 'cpu (synthetic)', trainedParameters: trains ? 1000 + of.seed : 0, bestStep: 60, losses: [],
    trainSeconds: trains ? 10 + of.seed / 1000 : 0, trainTokensPerSecond: 100, adapterBytes: 1000, addedTokens: 0, leftOut: {}, encoder: { window: 256, overlap: 32, minTail: 16, maxWindows: 1, maxFiles: 32 }, evaluateSeconds: 0.5 * of.predictions, oversize: 0,
  };
}
