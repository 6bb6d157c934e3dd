/** Full fine-tuning (FFT): all weights of the model are trained on all repositories. Alone, and with retrieved chunks. */
import { toTensor } from '../engine/arrays.js';
import { disposeModel, fromList, frozen, listNames } from '../model/weights.js';
import { train } from '../train/trainer.js';
import { weightsLearner } from '../train/weights-learner.js';
import { common } from './adapter-method.js';
import type { Method } from './method.js';
import { rag } from './rag.js';

export const fullFineTuning: Method = {
  name: 'full-fine-tuning',
  tracks: ['static', 'evolution'],
  adapters: () => ['none'],
  publishedPrompt: true,
  settings: (learning, track) => ({ ...common(learning, track), learningRate: learning.rates.weights, trained: 'weights' }),
  train: async ({ model, validation, tokenizer, learning, sampler }, folder, progress) => {
    const learner = weightsLearner(model, validation, learning.microBatch, tokenizer.eos);
    const { parameters: values, ...rest } = await train(
      learner, sampler, { ...learning, learningRate: learning.rates.weights }, folder, 'training full-fine-tuning', progress);
    return { values, ...rest };
  },
  answers: async ({ model: { config } }, trained) => {
    const model = frozen(fromList(config, listNames(config).map((name) => toTensor(trained!.values.get(name)!))));
    return { model, dispose: () => disposeModel(model) };
  },
};

/** The fine-tuned model with the chunks in its prompt, which it was not trained with (as in the paper). */
export const fullFineTuningRag: Method = {
  ...fullFineTuning,
  name: 'full-fine-tuning-rag',
  tracks: ['static'],
  readsSource: true,
  answerSettings: rag.answerSettings!,
  answers: async (inputs, trained) => {
    const [tuned, retrieved] = [await fullFineTuning.answers(inputs, trained), await rag.answers(inputs, undefined)];
    return { ...retrieved, ...tuned };
  },
};
