/** Which TensorFlow ops a piece of work issues, how often, and how long each kind takes: on a CPU an op is done when its call returns. */
import { backend, type Tensor } from './tensorflow.js';

export interface OpTime {
  calls: number;
  milliseconds: number;
}

/** Runs `work` with every op counted, ours and TensorFlow's own, by what `label` calls it. */
export function opTimes(work: () => void, label: (op: string, inputs: readonly Tensor[]) => string = (op) => op): Map<string, OpTime> {
  const times = new Map<string, OpTime>();
  const door = backend as unknown as Record<Door, (op: string, attributes: unknown, inputs: Tensor[], ...rest: unknown[]) => unknown>;
  const doors = (['executeSingleOutput', 'executeMultipleOutputs'] as const).map((name) => [name, door[name]] as const);
  for (const [name, call] of doors) {
    door[name] = (op, attributes, inputs, ...rest) => {
      const kind = label(op, inputs), began = performance.now();
      try {
        return call.call(backend, op, attributes, inputs, ...rest);
      } finally {
        const { calls, milliseconds } = times.get(kind) ?? { calls: 0, milliseconds: 0 };
        times.set(kind, { calls: calls + 1, milliseconds: milliseconds + performance.now() - began });
      }
    };
  }
  try {
    work();
  } finally {
    for (const [name, call] of doors) door[name] = call;
  }
  return times;
}
/** The two calls of tfjs that all ops pass. */
type Door = 'executeSingleOutput' | 'executeMultipleOutputs';
