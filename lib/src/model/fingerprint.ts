/** A name for a model's weights. */
import { createHash } from 'node:crypto';
import { thaw } from '../engine/frozen.js';
import { tidy } from '../engine/tensorflow.js';
import { toList, type Model } from './weights.js';

/** Names a model by its shape and the weights of its last layer, whatever file it came from. */
export function fingerprint(model: Model): string {
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(model.config).sort(([a], [b]) => (a < b ? -1 : 1))));
  for (const tensor of toList({ ...model, layers: model.layers.slice(-1) }).slice(1)) {
    // A head of its own is the transpose of what our kernels have packed.
    const values = tidy(() => thaw(tensor, tensor === model.head).dataSync());
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex').slice(0, 12);
}
