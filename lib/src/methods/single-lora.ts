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
  network: ({ adapted, learning: { rank, alpha }, seed }) => ({
    initial: () => adapterTensors(initialAdapter(adapted, rank, alpha, seed)),
    names: adapterNames(adapted),
    write: (parameters) => adapterFromTensors(parameters, rank, alpha),
  }),
});
