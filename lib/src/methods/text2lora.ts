/** Text2LoRA (paper §4.1) with a repository vector for the task: one network writes the adapter of each layer and type. */
import { text2lora as network } from '../hypernet/text2lora.js';
import { toRows } from '../engine/arrays.js';
import { adapterMethod, conditioned } from './adapter-method.js';

export const text2lora = adapterMethod({
  name: 'text2lora',
  tracks: ['static', 'evolution'],
  adapters: conditioned,
  rate: 'text2lora',
  own: ({ rank, alpha, text2lora }) => ({ rank, alpha, text2lora }),
  network: ({ adapted, learning: { rank, alpha, text2lora: { task, hidden } }, seed, vector, trainContexts }) => {
    const net = network({ input: vector(trainContexts[0]!).length, task, hidden, rank, alpha }, adapted);
    return {
      initial: () => net.initial(seed), names: net.names,
      write: (parameters, contexts) => net.apply(parameters, toRows(contexts.map(vector))),
    };
  },
});
