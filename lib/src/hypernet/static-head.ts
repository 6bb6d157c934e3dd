/**
 * Code2LoRA-Static's head: a repository vector in, the factors of one LoRA adapter out (paper §3.2, Fig. 4).
 *
 *   h = sqrt(H) · normalise(GELU(W2 GELU(W1 e + b1) + b2))
 *   A = tanh(W_A h + b_A) · clamp(exp(s_A), 1e-5, 0.3), and B likewise, for each projection type;
 *
 * one (A, B) a type, shared by all layers. Initialised as PyTorch initialises Linear; the scales s start at -3.5.
 *
 * Two further forms keep what all repositories share in a learnt adapter of its own, one a layer, which starts as
 * PEFT's does (A uniform, B zero), so that the trunk only has to write what differs. Both start exactly at it:
 *
 *   residual  [A0; A] and [B0, B] side by side along the rank: W + s (B0 A0 + B A), with W_B and b_B zero at the start;
 *   film      W + s B0 diag(1 + g) A0, where g = W_g h gains each rank component of each layer and type, W_g zero at
 *             the start (a feature-wise linear modulation without the shift).
 */
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import { mapLayer, projections, projectionShapes, type Adapter, type LayerAdapter } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import { applyLinear, factorShape, gelu, linear, network, type Hypernetwork, type Parameter, type Values } from './layers.js';

export interface StaticHeadConfig {
  /** Length of the repository vector. */
  input: number;
  /** H, the trunk's width. */
  hidden: number;
  /** Rank of what the trunk writes; `residual` adds a shared adapter of the same rank to it. */
  rank: number;
  /** Every part is scaled by alpha/rank. */
  alpha: number;
  /** Initial biases of the trunk. PyTorch's outweigh a vector of unit length, so that all repositories look alike. */
  trunkBias?: 'default' | 'zero';
  form?: 'paper' | 'residual' | 'film';
}

export interface StaticHead extends Hypernetwork {
  /** h [R, H], which all that is written depends on. `contexts` as in `apply`. */
  trunk(parameters: Tensor[], contexts: Tensor): Tensor;
}

/** Contexts are [R, input], or [R, n, input], of which the maximum over n is taken. */
export function staticHead(head: StaticHeadConfig, model: ModelConfig): StaticHead {
  const { network: base, values } = network(headParameters(head, model));
  return {
    ...base,
    apply: (parameters, contexts) => headAdapter(values(parameters), contexts, head, model),
    trunk: (parameters, contexts) => trunk(values(parameters), contexts, head.hidden),
  };
}

/** Trunk, then for each projection weight and bias of A, of B, and both scales; then what the form adds. */
export function headParameters(head: StaticHeadConfig, model: ModelConfig): Parameter[] {
  const { input, hidden, rank, form = 'paper' } = head;
  const shapes = projectionShapes(model);
  const bias = head.trunkBias === 'zero' ? 'zero bias' : 'default';
  const scale = (name: string): Parameter => ({ name, shape: [], start: { value: -3.5 } });
  const shared = (layer: number) => projections.flatMap((p): Parameter[] => [
    { name: `shared.${layer}.${p}.a`, shape: [rank, shapes[p].in], start: { uniform: 1 / Math.sqrt(shapes[p].in) } },
    { name: `shared.${layer}.${p}.b`, shape: [shapes[p].out, rank], start: { value: 0 } },
  ]);
  return [
    ...linear('trunk.0', input, hidden, bias),
    ...linear('trunk.1', hidden, hidden, bias),
    ...form === 'film'
      ? [{ name: 'gain.weight', shape: [hidden, model.layers * projections.length * rank], start: { value: 0 } }]
      : projections.flatMap((p) => [
        ...linear(`${p}.a`, hidden, rank * shapes[p].in),
        ...linear(`${p}.b`, hidden, rank * shapes[p].out, form === 'residual' ? 'zero' : 'default'),
        scale(`${p}.a.scale`), scale(`${p}.b.scale`),
      ]),
    ...form === 'paper' ? [] : Array.from({ length: model.layers }, (_, i) => shared(i)).flat(),
  ];
}

export function headAdapter(at: Values, contexts: Tensor, head: StaticHeadConfig, model: ModelConfig): Adapter {
  const h = trunk(at, contexts, head.hidden);
  const { rank, alpha } = head, depth = model.layers;
  switch (head.form ?? 'paper') {
    case 'paper': return { rank, alpha, depth, layers: [written(at, h, rank, model)] };
    case 'residual': return { rank, alpha, depth, layers: [written(at, h, rank, model)], shared: { rank, alpha, depth, layers: shared(at, model) } };
    case 'film': return { rank, alpha, depth, layers: gained(at, h, rank, model) };
  }
}

function trunk(at: Values, contexts: Tensor, hidden: number): Tensor {
  const e = contexts.rank === 3 ? contexts.max(1) : contexts;
  const x = gelu(applyLinear(at, 'trunk.1', gelu(applyLinear(at, 'trunk.0', e))));
  // The floor is for a zero vector under zero biases: its direction is undefined, its gradient must not be.
  return x.div(x.square().sum(-1, true).maximum(1e-12).sqrt()).mul(Math.sqrt(hidden));
}

/** A [R, r, in] and B [R, out, r] of each type. */
function written(at: Values, h: Tensor, rank: number, model: ModelConfig): LayerAdapter {
  return mapLayer((p, k) => {
    const scale = tf.clipByValue(tf.exp(at(`${p}.${k}.scale`)), 1e-5, 0.3);
    return tf.tanh(applyLinear(at, `${p}.${k}`, h)).mul(scale).reshape([-1, ...factorShape(p, k, rank, model)]);
  });
}

/** What is learnt for all repositories, one a layer. */
function shared(at: Values, model: ModelConfig): LayerAdapter[] {
  return Array.from({ length: model.layers }, (_, i) => mapLayer((p, k) => at(`shared.${i}.${p}.${k}`)));
}

/** The shared factors of each layer, the columns of B gained by the repository. */
function gained(at: Values, h: Tensor, rank: number, model: ModelConfig): LayerAdapter[] {
  const repos = h.shape[0]!;
  const types = projections.length;
  const gains = tf.matMul(h as Tf.Tensor2D, at('gain.weight') as Tf.Tensor2D).add(1);
  const each = tf.unstack(gains.reshape([repos, model.layers * types, 1, rank]), 1);
  return Array.from({ length: model.layers }, (_, i) => mapLayer((p, k) => (k === 'a'
    ? repeat(at(`shared.${i}.${p}.a`), repos)
    : at(`shared.${i}.${p}.b`).mul(each[i * types + projections.indexOf(p)]!))));
}

/** [rows, columns] -> [R, rows, columns]. By a broadcast sum: unlike tile's, its gradient is one op for any R. */
const repeat = (x: Tensor, repos: number): Tensor => x.add(tf.zeros([repos, 1, 1]));
