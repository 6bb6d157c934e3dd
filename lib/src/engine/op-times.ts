/** Which TensorFlow ops a piece of work issues, how often, and how long each kind takes: on a CPU an op is done when its call returns. */
import { backend } from './tensorflow.js';

export interface OpTime {
  calls: number;
  milliseconds: number;
}

/** Runs `work` with every op counted, ours and TensorFlow's own, by name. */
export function opTimes(work: () => void): Map<string, OpTime> {
  const times = new Map<string, OpTime>();
  const door = backend as unknown as Record<Door, (name: string, ...rest: unknown[]) => unknown>;
  const doors = (['executeSingleOutput', 'executeMultipleOutputs'] as const).map((name) => [name, door[name]] as const);
  for (const [name, call] of doors) {
    door[name] = (op, ...rest) => {
      const began = performance.now();
      try {
        return call.call(backend, op, ...rest);
      } finally {
        const { calls, milliseconds } = times.get(op) ?? { calls: 0, milliseconds: 0 };
        times.set(op, { calls: calls + 1, milliseconds: milliseconds + performance.now() - began });
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
type Door = 'executeSingleOutput' | 'executeMultipleOutputs';
