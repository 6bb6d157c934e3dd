/** What methods have in common that leave the model as it is and put text of the repository before the prompt. */
import { sumOf, type ContextMethod, type Contexts } from '../context/context.js';
import { openParser } from '../data/python.js';
import type { LearningConfig } from '../profiles.js';
import type { Method, MethodInputs } from './method.js';

export function contextMethod(spec: {
  name: string;
  settings(learning: LearningConfig): object;
  method(inputs: MethodInputs): ContextMethod;
}): Method {
  return {
    name: spec.name,
    // The text is that of the snapshot; the evolution track would need it at every commit.
    tracks: ['static'],
    adapters: () => ['none'],
    readsSource: true,
    answerSettings: (learning) => ({ context: spec.settings(learning) }),
    answers: async (inputs) => {
      await openParser();
      const prepared = new Map<string, Contexts>();
      return {
        text: async (task) => {
          let contexts = prepared.get(task.repo);
          if (!contexts) prepared.set(task.repo, contexts = spec.method(inputs).prepare(await inputs.repository(task.repo)));
          return contexts.contextFor(task);
        },
        leftOut: () => sumOf([...prepared.values()].map(({ leftOut }) => leftOut)),
        dispose: () => prepared.clear(),
      };
    },
  };
}
