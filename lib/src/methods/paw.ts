/** PAW: adapters as mixtures of learnt basis adapters, the authors' small alternative to the static head. */
import { paw as network } from '../hypernet/paw.js';
import { toRows } from '../engine/arrays.js';
import { adapterMethod, conditioned } from './adapter-method.js';

export const paw = adapterMethod({
  name: 'paw',
  tracks: ['static', 'evolution'],
  adapters: conditioned,
  rate: 'paw',
  own: ({ rank, alpha, headWidth, paw }) => ({ rank, alpha, headWidth, paw }),
  network: ({ adapted, learning: { rank, alpha, headWidth, paw: { bases } }, seed, vector, trainContexts }) => {
    const net = network({ input: vector(trainContexts[0]!).length, hidden: headWidth, bases, rank, alpha }, adapted);
    return {
      initial: () => net.initial(seed), names: net.names,
      write: (parameters, contexts) => net.apply(parameters, toRows(contexts.map(vector))),
    };
  },
});
