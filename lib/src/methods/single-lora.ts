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
  writer: ({ model, learning: { rank, alpha }, seed }) => {
    const adapter = initialAdapter(model.config, rank, alpha, seed);
    return {
      parameters: adapterTensors(adapter),
      names: adapterNames(adapter),
      write: (parameters) => adapterFromTensors(parameters, rank, alpha),
    };
  },
});
