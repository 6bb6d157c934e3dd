/**
 * What a piece of work issues to TensorFlow: which ops, how often, and how long each kind takes (on a CPU an op is done when
 * its call returns; on a GPU it is only under way then), the tensors that are sent from JavaScript, and the reads.
 */
import { withCalls } from './binding.js';
import { smallValueOf, smallValues } from './small-values.js';
import { backend, type Tensor } from './tensorflow.js';

export interface OpTime {
  calls: number;
  milliseconds: number;
}
export interface Issued {
  ops: Map<string, OpTime>;
  /** Tensors made of JavaScript's values, and those of them that hold one value. */
  sent: number;
  sentSingle: number;
  /** Tensors whose values were asked for. */
  read: number;
}

/** Runs `work` with every op counted, ours and TensorFlow's own, by what `label` calls it. */
export function issuedBy(work: () => void, label: (op: string, inputs: readonly Tensor[]) => string = (op) => op): Issued {
  const issued: Issued = { ops: new Map(), sent: 0, sentSingle: 0, read: 0 };
  const { binding, getInputTensorIds } = backend;
  let inputs: readonly Tensor[] = [];
  // Asked right before every op, tfjs's and ours.
  backend.getInputTensorIds = (tensors) => getInputTensorIds.call(backend, [...(inputs = tensors)]);
  backend.binding = withCalls(binding, {
    executeOp: (op, ...rest) => {
      const kind = label(op, inputs), began = performance.now();
      try {
        return binding.executeOp(op, ...rest);
      } finally {
        const { calls, milliseconds } = issued.ops.get(kind) ?? { calls: 0, milliseconds: 0 };
        issued.ops.set(kind, { calls: calls + 1, milliseconds: milliseconds + performance.now() - began });
      }
    },
    createTensor: (shape, dtype, values) => {
      const before = smallValues(), id = binding.createTensor(shape, dtype, values);
      if (!smallValueOf(id) || smallValues() > before) {
        issued.sent++;
        if (values.length === 1) issued.sentSingle++;
      }
      return id;
    },
    tensorDataSync: (id) => {
      issued.read++;
      return binding.tensorDataSync(id);
    },
  });
  try {
    work();
  } finally {
    Object.assign(backend, { binding, getInputTensorIds });
  }
  return issued;
}
