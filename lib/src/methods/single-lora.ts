/** One LoRA adapter for all repositories, trained on all of them: PEFT's usual adapter, its own factors in each layer. */
import { adapterNames, adapterFromTensors, adapterTensors, initialAdapter } from '../lora/adapter.js';
import { adapterMethod } from './adapter-method.js';

export const singleLora = adapterMethod({
  name: 'single-lora',
  tracks: ['static', 'evolution'],
  adapters: () => ['own'],
  rate: 'lora',
  shared: true,
  publishedPrompt: true,
  own: ({ rank, alpha }) => ({ rank, alpha }),
  network: ({ model, learning: { rank, alpha }, seed }) => ({
    initial: () => adapterTensors(initialAdapter(model.config, rank, alpha, seed)),
    names: adapterNames({ layers: { length: model.config.layers } }),
    write: (parameters) => adapterFromTensors(parameters, rank, alpha),
  }),
});
