/** Code2LoRA-Static (paper §3.2): a hypernetwork reads the vector of a repository's snapshot and writes its adapter. */
import { tf } from '../engine/tensorflow.js';
import { applyHead, headParameterNames, initialHead } from '../hypernet/static-head.js';
import type { Method } from './method.js';

export const code2loraStatic: Method = {
  name: 'code2lora-static',
  adapters: ['own', 'other', 'average'],
  learningRate: (learning) => learning.rates.hypernetwork,
  writer: ({ model, vectors, learning: { rank, alpha, headWidth }, seed }) => {
    const head = { input: 2 * model.config.hidden, hidden: headWidth, rank, alpha };
    return {
      parameters: initialHead(head, model.config, seed),
      names: headParameterNames(),
      write: (parameters, repos) =>
        applyHead(parameters, tf.tensor2d(repos.map((r) => Array.from(vectors.get(r)!))), head, model.config),
    };
  },
};
