/** What all methods that train an adapter, or a writer of adapters, for the frozen model have in common. */
import { toTensor } from '../engine/arrays.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { single } from '../lora/adapter.js';
import type { LearningConfig } from '../profiles.js';
import { adapterLearner, type AdapterWriter } from '../train/adapter-learner.js';
import type { Context } from '../train/draws.js';
import { train } from '../train/trainer.js';
import type { AdapterKind, Method, MethodInputs, Track } from './method.js';

/** A writer of adapters before its parameters have values: these are drawn for training, and read for answering. */
export interface AdapterNetwork extends Omit<AdapterWriter, 'parameters'> {
  initial(): Tensor[];
  /** What all that is written for a context depends on, [contexts, H]. */
  trunk?(parameters: Tensor[], contexts: Context[]): Tensor;
}

export interface AdapterMethod {
  name: string;
  tracks: readonly Track[];
  adapters(track: Track): readonly AdapterKind[];
  rate: keyof LearningConfig['rates'];
  /** The settings that only this method reads. Those and the common ones name what it trains, its own name does not. */
  own(learning: LearningConfig): object;
  network(inputs: MethodInputs): AdapterNetwork;
  /** One adapter serves all contexts. */
  shared?: true;
  publishedPrompt?: true;
}

/** Controls of a method whose adapter depends on the repository. */
export const conditioned = (track: Track): readonly AdapterKind[] =>
  (track === 'static' ? ['own', 'other', 'average'] : ['own', 'first', 'other', 'average']);

export function adapterMethod(spec: AdapterMethod): Method {
  return {
    name: spec.name,
    tracks: spec.tracks,
    adapters: spec.adapters,
    ...(spec.publishedPrompt && { publishedPrompt: true }),
    settings: (learning, track) => ({
      ...common(learning, track), ...adaptedLayers(learning), learningRate: learning.rates[spec.rate], ...spec.own(learning),
      ...(!spec.shared && learning.contrast && { contrast: learning.contrast }),
    }),
    train: async (inputs, folder, progress) => {
      const { learning, model, validation, contextOf, tokenizer, sampler } = inputs;
      const network = spec.network(inputs);
      const learner = adapterLearner(model, { ...network, parameters: network.initial() }, validation, contextOf, learning, tokenizer.eos);
      const config = { ...learning, learningRate: learning.rates[spec.rate] };
      const { parameters: values, ...rest } = await train(learner, sampler, config, folder, `training ${spec.name}`, progress);
      return { values, ...rest };
    },
    answers: async (inputs, trained) => {
      const { names, write, trunk } = spec.network(inputs);
      const parameters = names.map((name) => toTensor(trained!.values.get(name)!));
      return {
        adapter: (context) => single(() => write(parameters, [context])), shared: spec.shared === true,
        ...(trunk && { trunk: (context: Context) => tidy(() => Float32Array.from(trunk(parameters, [context]).dataSync<'float32'>())) }),
        dispose: () => tf.dispose(parameters),
      };
    },
  };
}

/** Which layers are adapted, where it is not all. */
export const adaptedLayers = ({ layers }: LearningConfig): object => (layers === undefined ? {} : { layers });

/** What training depends on whatever is trained. */
export function common(learning: LearningConfig, track: Track): object {
  const { steps, passes, trainRepositories, schedule, warmupFraction, weightDecay, clip, validateEvery, patience, microBatch, detachInput } = learning;
  const { repositories, tasks, sampling, walk } = learning;
  return {
    ...(passes === undefined ? { steps } : { passes }), ...(trainRepositories !== undefined && { trainRepositories }), schedule, warmupFraction, weightDecay, clip, validateEvery, ...(patience !== undefined && { patience }), microBatch, detachInput,
    ...(track === 'static' ? { repositories, tasks, sampling } : { walk }),
  };
}
