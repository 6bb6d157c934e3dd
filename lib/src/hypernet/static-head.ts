/**
 * Code2LoRA-Static's head: a repository vector in, the factors of one LoRA adapter out (paper §3.2, Fig. 4).
 *
 *   h = sqrt(H) · normalise(GELU(W2 GELU(W1 e + b1) + b2))
 *   A = tanh(W_A h + b_A) · clamp(exp(s_A), 1e-5, 0.3), and B likewise, for each projection type;
 *
 * one (A, B) a type, shared by all layers. Initialised as PyTorch initialises Linear; the scales s start at -3.5.
 */
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import { mapLayer, projections, projectionShapes, type Adapter } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import { Random } from '../store/random.js';

export interface StaticHeadConfig {
  /** Length of the repository vector. */
  input: number;
  /** H, the trunk's width. */
  hidden: number;
  rank: number;
  alpha: number;
}

/** Fixed order of the parameters: trunk, then for each projection weight and bias of A, of B, and both scales. */
export function headParameterNames(): string[] {
  return ['trunk.0.weight', 'trunk.0.bias', 'trunk.1.weight', 'trunk.1.bias',
    ...projections.flatMap((p) => ['a.weight', 'a.bias', 'b.weight', 'b.bias', 'a.scale', 'b.scale'].map((n) => `${p}.${n}`))];
}

export function initialHead(head: StaticHeadConfig, model: ModelConfig, seed: number): Tensor[] {
  const random = new Random(seed);
  const uniform = (shape: number[], bound: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.keep(tf.tensor(Float32Array.from({ length: size }, () => bound * (2 * random.next() - 1)), shape));
  };
  const linear = (from: number, to: number) => [uniform([from, to], 1 / Math.sqrt(from)), uniform([to], 1 / Math.sqrt(from))];
  const shapes = projectionShapes(model);
  return [
    ...linear(head.input, head.hidden),
    ...linear(head.hidden, head.hidden),
    ...projections.flatMap((p) => [
      ...linear(head.hidden, head.rank * shapes[p].in),
      ...linear(head.hidden, head.rank * shapes[p].out),
      tf.keep(tf.scalar(-3.5)), tf.keep(tf.scalar(-3.5)),
    ]),
  ];
}

const gelu = (x: Tensor): Tensor => x.mul(0.5).mul(tf.erf(x.mul(Math.SQRT1_2)).add(1));

/** Repository vectors [R, input] -> the adapters of R repositories, batched. Differentiable in `parameters`. */
export function applyHead(parameters: Tensor[], vectors: Tensor, head: StaticHeadConfig, model: ModelConfig): Adapter {
  const at = new Map(headParameterNames().map((n, i) => [n, parameters[i]!]));
  const linear = (x: Tensor, name: string) =>
    tf.matMul(x as Tf.Tensor2D, at.get(`${name}.weight`)! as Tf.Tensor2D).add(at.get(`${name}.bias`)!);
  const trunk = gelu(linear(gelu(linear(vectors, 'trunk.0')), 'trunk.1'));
  const h = trunk.div(trunk.square().sum(-1, true).sqrt().add(1e-12)).mul(Math.sqrt(head.hidden));
  const shapes = projectionShapes(model);
  const layer = mapLayer((p, k) => {
    const scale = tf.clipByValue(tf.exp(at.get(`${p}.${k}.scale`)!), 1e-5, 0.3);
    const shape = k === 'a' ? [head.rank, shapes[p].in] : [shapes[p].out, head.rank];
    return tf.tanh(linear(h, `${p}.${k}`)).mul(scale).reshape([vectors.shape[0]!, ...shape]);
  });
  return { rank: head.rank, alpha: head.alpha, layers: [layer] };
}
