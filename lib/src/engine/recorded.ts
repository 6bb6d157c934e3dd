/**
 * Work that is done again and again as one TensorFlow function, where TensorFlow's ops compute: a layer of a 1.5B model is
 * some 200 ops forward and back, and sending each from JavaScript takes longer than a GPU needs to compute it. The first
 * time, the work runs as it is and every op that it issues is written down; from then on the function does it.
 * Our CPU kernels need none of this: few ops, each done when its call returns.
 */
import { OUTSIDE, packed, Recording } from './op-graph.js';
import { backend, tf, tidy, usesKernels, type Tensor } from './tensorflow.js';

/** Functions that are kept; the one that was not asked for the longest goes. */
const MOST_FUNCTIONS = 512;

interface Recorded {
  name: string;
  outputs: number;
}
const functions = new Map<string, Recorded>();
let made = 0;
let recording: Recording | undefined;

/**
 * work(inputs). It must issue the same ops for inputs of the same shapes under the same key, read no values, and use no
 * tensor but its inputs and what it makes of them and of numbers.
 */
export function recorded(key: string, inputs: readonly Tensor[], work: (inputs: readonly Tensor[]) => Tensor[]): Tensor[] {
  // Inside other recorded work it is a part of that.
  if (usesKernels || recording) return work(inputs);
  const whole = `${key} ${inputs.map((t) => `${typeOf(t)}[${t.shape}]`).join(' ')}`;
  const known = functions.get(whole) ?? record(whole, inputs, work);
  functions.delete(whole);
  functions.set(whole, known);
  return backend.executeMultipleOutputs(known.name, [], [...inputs], known.outputs);
}

/** TensorFlow's type of a tensor's values, which tfjs may know under another name (frozen.ts). */
const typeOf = (t: Tensor): number => {
  const { dtype } = backend.tensorMap.get(t.dataId);
  return typeof dtype === 'number' ? dtype : backend.getDTypeInteger(dtype);
};

function record(key: string, inputs: readonly Tensor[], work: (inputs: readonly Tensor[]) => Tensor[]): Recorded {
  const { binding, getInputTensorIds } = backend;
  const ids = backend.getInputTensorIds([...inputs]);
  const own = new Recording(binding, ids, inputs.map(typeOf));
  const first = tf.tidy(() => tf.scalar(0).id);
  recording = own;
  backend.binding = own.door();
  backend.getInputTensorIds = (tensors) => {
    // Values that JavaScript still holds would be taken for constants of the work.
    if (tensors.some((t) => t.id < first && backend.tensorMap.get(t.dataId).values && t.size > 1)) throw new Error(OUTSIDE);
    return getInputTensorIds.call(backend, tensors);
  };
  const outputs = (() => {
    try {
      // What it gives this time is thrown away: the function's own result may differ in the last bits.
      return tidy(() => {
        const results = work(inputs);
        return own.outputs(backend.getInputTensorIds(results));
      });
    } finally {
      Object.assign(backend, { binding, getInputTensorIds });
      recording = undefined;
    }
  })();
  const name = `Recorded${made++}`;
  tf.tidy(() => { backend.executeMultipleOutputs('C2lDefine', [], [tf.tensor1d(own.definition(name, outputs), 'int32')], 0); });
  if (functions.size >= MOST_FUNCTIONS) forget();
  const result = { name, outputs: outputs.length };
  functions.set(key, result);
  return result;
}

function forget(): void {
  const [key, { name }] = functions.entries().next().value as [string, Recorded];
  functions.delete(key);
  const text = Buffer.from(name);
  tf.tidy(() => { backend.executeMultipleOutputs('C2lForget', [], [tf.tensor1d(packed([text.length], text), 'int32')], 0); });
}
