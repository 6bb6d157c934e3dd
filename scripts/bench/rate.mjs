/** What the machine can do, and where a piece of work spends its time. */
import { freeze } from '../../lib/dist/engine/frozen.js';
import { linear } from '../../lib/dist/engine/ops.js';
import { issuedBy } from '../../lib/dist/engine/op-times.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';

/** Operations a second of fp32 matrix products: the best of several shapes, by our product and by TensorFlow's. */
export function matrixRate() {
  const shapes = [[2048, 256, 512], [2048, 256, 1536], [2048, 2048, 2048], [512, 256, 8192]];
  return Math.max(...shapes.map(([rows, inner, columns]) => {
    const x = tf.randomNormal([rows, inner]), w = tf.randomNormal([inner, columns]), packed = freeze(w.clone());
    let best = Infinity;
    for (let i = 0; i < 24; i++) {
      const began = performance.now();
      const y = i % 2 ? linear(x, packed) : tf.matMul(x, w);
      y.dataSync();
      best = Math.min(best, performance.now() - began);
      y.dispose();
    }
    tf.dispose([x, w, packed]);
    return (2 * rows * inner * columns) / (best / 1000);
  }));
}

const KINDS = {
  C2lFeedForward: 'feed-forward', C2lAttention: 'attention', C2lAttentionGrad: 'attention', C2lDecode: 'attention', C2lCacheFill: 'attention',
  C2lRmsNorm: 'normalisation', C2lRmsNormGrad: 'normalisation', C2lSwiGlu: 'activation', C2lSwiGluGrad: 'activation',
  C2lLowRankGrad: "adapters' gradients", C2lCrossEntropy: 'head', C2lAdamW: 'optimiser', L2Loss: 'optimiser', C2lColumns: 'embedding',
  BatchMatMulV2: 'hypernetwork',
};

/** Prints each kind of work as a share of the time of `work`; the rest are TensorFlow's small ops, and the calls themselves. */
export function printShares(work, vocabulary) {
  const began = performance.now();
  const { ops: times } = issuedBy(work, (op, inputs) => (op === 'C2lLinear' || op === 'C2lLinearGrad'
    ? inputs[1].shape[0] * 16 === vocabulary ? 'head' : "layers' products"
    : KINDS[op] ?? 'small ops'));
  const all = performance.now() - began, inOps = [...times.values()].reduce((n, t) => n + t.milliseconds, 0);
  const shares = [...times].map(([kind, { milliseconds }]) => [kind, milliseconds]).concat([['outside of ops', all - inOps]]);
  console.log(`shares: ${shares.sort((a, b) => b[1] - a[1]).map(([kind, ms]) => `${kind} ${((100 * ms) / all).toFixed(1)}%`).join(', ')}`);
}
