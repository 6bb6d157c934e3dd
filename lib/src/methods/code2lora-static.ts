/**
 * Code2LoRA-Static (paper §3.2): a hypernetwork reads the vector of a repository's snapshot and writes its adapter. In
 * the evolution track the snapshot is the repository at the task's commit.
 *
 * `code2lora-static-paper` has the head exactly as published. `code2lora-static` has the head that the settings name,
 * by default the one that lets a repository's signal through best where it was tried (docs/log.md).
 */
import { fitStandardiser } from '../encoder/standardise.js';
import { staticHead, type StaticHeadConfig } from '../hypernet/static-head.js';
import type { HeadConfig, LearningConfig } from '../profiles.js';
import { toRows } from '../engine/arrays.js';
import type { Context } from '../train/draws.js';
import { adapterMethod, conditioned } from './adapter-method.js';
import type { AdapterKind, Method } from './method.js';
import { fittedOnce, reading, storing } from './standardised.js';

/** As published: raw vectors, PyTorch's initial biases, one written pair of factors a type. */
const PAPER: HeadConfig = { form: 'paper', trunkBias: 'default', standardise: false };

type HeadOf = (learning: LearningConfig) => HeadConfig;

/** The network of these settings, for repository vectors of length `input`. */
export function staticHeadConfig(learning: LearningConfig, head: HeadConfig, input: number): StaticHeadConfig {
  const { headWidth, rank, alpha } = learning, { form, trunkBias } = head;
  return { input, hidden: headWidth, rank, alpha, form, trunkBias };
}

function method(name: string, headOf: HeadOf, controls: readonly AdapterKind[] = []): Method {
  const fit = fittedOnce(({ vector, trainContexts, learning }) => {
    const { standardise, components } = headOf(learning);
    return standardise ? { state: fitStandardiser(trainContexts.map(vector), components) } : {};
  });
  return storing(adapterMethod({
    name,
    tracks: ['static', 'evolution'],
    adapters: (track) => [...conditioned(track), ...(track === 'static' ? controls : [])],
    rate: 'hypernetwork',
    own: (learning) => {
      const { rank, alpha, headWidth } = learning;
      return { rank, alpha, headWidth, head: headOf(learning) };
    },
    network: (inputs) => {
      const { adapted, learning, seed, vector, trainContexts } = inputs;
      const read = reading(fit.of(inputs));
      const head = staticHead(staticHeadConfig(learning, headOf(learning), read.vector(vector(trainContexts[0]!)).length), adapted);
      const inputsOf = (contexts: readonly Context[]) => toRows(contexts.map((c) => read.vector(vector(c))));
      return {
        initial: () => head.initial(seed), names: head.names,
        write: (parameters, contexts) => head.apply(parameters, inputsOf(contexts)), trunk: (parameters, contexts) => head.trunk(parameters, inputsOf(contexts)),
      };
    },
  }), fit);
}

const heads = { 'code2lora-static': (learning) => learning.head, 'code2lora-static-paper': () => PAPER } satisfies Record<string, HeadOf>;

/** The head that a method of this name trains; undefined for other methods. */
export function headTrainedBy(name: string, learning: LearningConfig): HeadConfig | undefined {
  return (heads as Record<string, HeadOf>)[name]?.(learning);
}

export const code2loraStatic = method('code2lora-static', heads['code2lora-static'], ['empty', 'random']);
export const code2loraStaticPaper = method('code2lora-static-paper', heads['code2lora-static-paper']);
