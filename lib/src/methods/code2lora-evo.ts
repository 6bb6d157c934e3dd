/**
 * Code2LoRA-Evo (paper §3.3): a recurrent state follows a repository's commits, and the adapter is written from it. In
 * the static track there are no commits to read, and the adapter comes from the initial state.
 */
import { fitStandardiser } from '../encoder/standardise.js';
import { evo, type EvoConfig } from '../hypernet/evo.js';
import { adaptersAlong, type Walk } from '../hypernet/unroll.js';
import type { LearningConfig } from '../profiles.js';
import type { Context } from '../train/draws.js';
import { adapterMethod, conditioned } from './adapter-method.js';
import { staticHeadConfig } from './code2lora-static.js';
import type { MethodInputs } from './method.js';
import { fittedOnce, reading, storing } from './standardised.js';

/** The network of these settings, for vectors of repositories of length `input` and of diffs of length `diff`. */
export function evoConfig(learning: LearningConfig, input: number, diff: number): EvoConfig {
  const { evo: { width, stepInput, memory } } = learning, { input: _, ...head } = staticHeadConfig(learning, learning.head, width);
  return { input, diff, stepInput, width, ...(memory && { memory }), head };
}

const fit = fittedOnce(({ vector, commits, trainContexts, learning }) => {
  const { standardise, components } = learning.head;
  if (!standardise) return {};
  // Over all commits where there are any: a young repository's vector differs from a grown one's in much the same way everywhere.
  const walked = trainContexts.flatMap((c) => commits(c));
  return walked.length
    ? { state: fitStandardiser(walked.map((x) => x.state), components), diff: fitStandardiser(walked.map((x) => x.diff), components) }
    : { state: fitStandardiser(trainContexts.map(vector), components) };
});

export const code2loraEvo = storing(adapterMethod({
  name: 'code2lora-evo',
  tracks: ['static', 'evolution'],
  adapters: conditioned,
  rate: 'hypernetwork',
  own: ({ rank, alpha, headWidth, head, evo }) => ({ rank, alpha, headWidth, head, evo }),
  network: (inputs) => {
    const { adapted, learning, seed, vector, trainContexts } = inputs, { stepInput, detachEveryCommit } = learning.evo;
    const read = reading(fit.of(inputs));
    const [first] = trainContexts, input = read.vector(vector(first!)).length, commit = inputs.commits(first!)[0];
    const network = evo(evoConfig(learning, input, commit ? read.commit(commit).diff.length : input), adapted);
    const walkTo = walks(inputs, read);
    return {
      initial: () => network.initial(seed), names: network.names,
      write: (parameters, contexts) => adaptersAlong(network, parameters, walkTo(contexts), stepInput, detachEveryCommit),
    };
  },
}), fit);

/** Consecutive contexts of one repository, in the order of its commits, are one walk; a snapshot is a walk of no commit. */
function walks({ vector, commits }: MethodInputs, read: ReturnType<typeof reading>): (contexts: readonly Context[]) => Walk[] {
  return (contexts) => {
    const out: { repo: string; wanted: number[]; context: Context }[] = [];
    for (const context of contexts) {
      const last = out.at(-1);
      if (context.commit === undefined || commits(context).length === 0) out.push({ repo: context.repo, wanted: [], context });
      else if (last?.repo === context.repo && context.commit > last.wanted.at(-1)!) {
        last.wanted.push(context.commit);
        last.context = context;
      } else out.push({ repo: context.repo, wanted: [context.commit], context });
    }
    return out.map(({ wanted, context }) => ({
      initial: read.vector(vector(wanted.length ? { ...context, commit: 0 } : context)),
      commits: commits(context).map(read.commit),
      wanted,
    }));
  };
}
