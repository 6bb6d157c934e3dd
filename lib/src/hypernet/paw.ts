/**
 * PAW: adapters as mixtures of learnt basis adapters, a small alternative to the static head.
 *
 *   h = GELU(W e + b);  h <- h + W2 GELU(W1 LayerNorm(h) + b1) + b2, four times as wide inside
 *   A = sum_k c_A[layer, type, k] A_k[type], B likewise with coefficients of its own; c = W_c h + b_c
 *
 * 16 basis pairs (A_k, B_k) a type serve all layers; the coefficients differ by layer. No tanh and no scale.
 * The published size, 16,918,656 for Qwen2.5-Coder-1.5B, fixes what is not stated: H = 512 and one LayerNorm before
 * the residual block (trunk 1,049,088 + norm 1,024 + block 2,099,712 + coefficients 3,217,536 + bases 10,551,296).
 */
import { tf, type Tf } from '../engine/tensorflow.js';
import { projections, projectionShapes } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import {
  applyLayerNorm, applyLinear, gelu, layerNorm, layerwise, linear, network, type Hypernetwork, type Parameter,
} from './layers.js';

export interface PawConfig {
  /** Length of the repository vector. */
  input: number;
  /** H; the paper's size has 512. */
  hidden: number;
  /** Basis pairs of each projection type; the paper's size has 16. */
  bases: number;
  rank: number;
  alpha: number;
}

export function paw(config: PawConfig, model: ModelConfig): Hypernetwork {
  const { network: base, values } = network(pawParameters(config, model));
  return {
    ...base,
    apply(parameters, contexts) {
      const at = values(parameters);
      const x = gelu(applyLinear(at, 'trunk', contexts));
      const h = x.add(applyLinear(at, 'block.1', gelu(applyLinear(at, 'block.0', applyLayerNorm(at, 'norm', x)))));
      // One matrix of mixtures [R·layers, bases] for each type and factor.
      const mixtures = tf.unstack(applyLinear(at, 'coefficients', h).reshape([-1, 2 * projections.length, config.bases]), 1);
      return layerwise(config, model, (p, k) => {
        const mixture = mixtures[2 * projections.indexOf(p) + (k === 'a' ? 0 : 1)]!;
        return tf.matMul(mixture as Tf.Tensor2D, at(`${p}.${k}`) as Tf.Tensor2D);
      });
    },
  };
}

/** Trunk and coefficients, then for each projection its bases: A_k and B_k as rows. */
function pawParameters({ input, hidden, bases, rank }: PawConfig, model: ModelConfig): Parameter[] {
  const shapes = projectionShapes(model);
  const coefficients = 2 * model.layers * projections.length * bases;
  return [
    ...linear('trunk', input, hidden),
    ...layerNorm('norm', hidden),
    ...linear('block.0', hidden, 4 * hidden), ...linear('block.1', 4 * hidden, hidden),
    { name: 'coefficients.weight', shape: [hidden, coefficients], start: { normal: 0.01 } },
    { name: 'coefficients.bias', shape: [coefficients], start: { value: 0 } },
    ...projections.flatMap((p): Parameter[] => [
      { name: `${p}.a`, shape: [bases, rank * shapes[p].in], start: { normal: 0.02 } },
      { name: `${p}.b`, shape: [bases, shapes[p].out * rank], start: { value: 0 } },
    ]),
  ];
}
