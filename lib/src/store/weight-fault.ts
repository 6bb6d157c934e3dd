/** Whether what a file has under the name of a weight can be one: the rest is not looked at again before it is computed with. */
import type { NamedArray } from './safetensors.js';

/** What is wrong with it, to follow its name; undefined where nothing is. */
export function weightFault({ data }: NamedArray): string | undefined {
  if (!(data instanceof Float32Array)) return 'holds whole numbers, no weights';
  return finite(data) ? undefined : 'holds values that are not finite';
}

function finite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false;
  return true;
}
