/** The frozen model as it is. */
import type { Method } from './method.js';

export const pretrained: Method = {
  name: 'pretrained',
  tracks: ['static', 'evolution'],
  adapters: () => ['none'],
  answers: async () => ({ dispose: () => {} }),
};
