/** Gradients other than the plain ones: blocks that are computed again instead of stored, and detached inputs. */
import { recorded } from './recorded.js';
import { tf, type Tensor, type Tf } from './tensorflow.js';

type Save = (tensors: Tensor[]) => void;

/**
 * f(inputs, constants), of which only these are kept for the backward pass: f runs again there (gradient checkpointing,
 * Chen et al. 2016). The result must depend on every input; nothing else is differentiated. A tensor that f needs and
 * that is made on the way belongs to the constants, or it is gone by then. Under a `key` both passes are recorded work:
 * f then has no other tensors.
 */
export function checkpointed(
  key: string, f: (inputs: readonly Tensor[], constants: readonly Tensor[]) => Tensor, inputs: readonly Tensor[], constants: readonly Tensor[] = [],
): Tensor {
  const count = inputs.length;
  return tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as Save;
    const given = args as Tensor[];
    save([...given, ...constants]);
    return {
      value: recorded(key, [...given, ...constants], (all) => [f(all.slice(0, count), all.slice(count))])[0]!,
      gradFunc: (dy: Tensor, saved: Tensor[]) => recorded(`${key}, back`, [...saved, dy], (all) => nested(() =>
        tf.grads((...x: Tensor[]) => f(x, all.slice(count, -1)))(all.slice(0, count) as Tensor[], all.at(-1)!))),
    };
  })(...inputs);
}

/** What f makes, as a constant: nothing of it is kept for a backward pass. */
export function undifferentiated(f: () => Tensor): Tensor {
  return tf.customGrad(() => ({ value: f(), gradFunc: () => [] }))();
}

/** (x A') B with gradients for A and B and none for x. x [S, N, in]; A [S, r, in]; B [S, r, out]. */
export function detachedProduct(x: Tensor, a: Tensor, b: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [A, B, save] = args as [Tensor, Tensor, Save];
    const low = tf.matMul(x, A, false, true);
    save([x, A, B, low]);
    return {
      value: tf.matMul(low, B),
      gradFunc: (dy: Tensor, [input, , factor, product]: Tensor[]) => {
        const dLow = tf.matMul(dy, factor as Tf.Tensor2D, false, true);
        return [tf.matMul(dLow, input!, true, false), tf.matMul(product!, dy, true, false)];
      },
    };
  })(a, b);
}

/**
 * Gradients of the scalar f(x) for each x; zeros for one that f does not use, which tfjs itself refuses (Code2LoRA-Evo's
 * initial state, where a window of commits begins later).
 */
export function gradientsOf(f: (x: Tensor[]) => Tensor, x: Tensor[]): Tensor[] {
  const { value, grads } = tf.engine().gradients(() => f(x), x, undefined, true);
  value.dispose();
  return x.map((t, i) => (grads[i] as Tensor | undefined) ?? tf.zerosLike(t));
}

/** Differentiates inside a backward pass: tfjs has one tape, which the outer pass still needs for its cleaning up. */
function nested<T>(differentiate: () => T): T {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } };
  const outer = state.activeTape;
  try {
    return differentiate();
  } finally {
    state.activeTape = outer;
  }
}
