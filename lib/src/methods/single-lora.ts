/** One LoRA adapter for all repositories, trained on all of them: PEFT's usual adapter, its own factors in each layer. */
import { adapterFromTensors, adapterTensors, initialAdapter, projections } from '../lora/adapter.js';
import type { Method } from './method.js';

export const singleLora: Method = {
  name: 'single-lora',
  adapters: ['own'],
  learningRate: (learning) => learning.rates.lora,
  writer: ({ model, learning: { rank, alpha }, seed }) => {
    const adapter = initialAdapter(model.config, rank, alpha, seed);
    return {
      parameters: adapterTensors(adapter),
      names: adapter.layers.flatMap((_, i) => projections.flatMap((p) => [`${i}.${p}.a`, `${i}.${p}.b`])),
      write: (parameters) => adapterFromTensors(parameters, rank, alpha),
    };
  },
};
