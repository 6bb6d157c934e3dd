/**
 * Text2LoRA (arXiv 2506.06105) with a repository vector for the task: one network writes the adapter of each layer and
 * type, told by learnt embeddings which one it is writing.
 *
 *   z = [LayerNorm(W e + b); depth[layer]; projection[t]]
 *   x = SiLU(W SiLU(W z + b) + b);  twice x <- x + W SiLU(W LayerNorm(x) + b) + b, four times as wide inside
 *   A = W_A[t] x + b_A, B = W_B[t] x + b_B
 *
 * The heads of B start at zero: the first adapter changes nothing, as PEFT's. The paper's task width is 128; embeddings
 * of half of it and H = 512 are our choice.
 */
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import { projections, projectionShapes } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import {
  applyLayerNorm, applyLinear, layerNorm, layerwise, linear, network, silu, type Hypernetwork, type Parameter, type Values,
} from './layers.js';

export interface Text2LoraConfig {
  /** Length of the repository vector. */
  input: number;
  /** Width of the encoded vector; the embeddings of depth and type are half as wide. */
  task: number;
  /** H, the width of mixer and blocks. */
  hidden: number;
  rank: number;
  alpha: number;
}

export function text2lora(config: Text2LoraConfig, model: ModelConfig): Hypernetwork {
  const { network: base, values } = network(text2loraParameters(config, model));
  return {
    ...base,
    apply(parameters, contexts) {
      const at = values(parameters);
      let x = silu(applyLinear(at, 'mixer.1', silu(mixerInput(at, contexts, config, model.layers))));
      for (const block of ['block.0', 'block.1']) {
        const inside = silu(applyLinear(at, `${block}.0`, applyLayerNorm(at, `${block}.norm`, x)));
        x = x.add(applyLinear(at, `${block}.1`, inside));
      }
      // Rows are (repository, layer, type): one matrix [R·layers, H] for each type.
      const byType = tf.unstack(x.reshape([-1, projections.length, config.hidden]), 1);
      return layerwise(config, model, (p, k) => applyLinear(at, `${p}.${k}`, byType[projections.indexOf(p)]!));
    },
  };
}

/** The mixer's first layer on z [R·layers·types, H]: by the parts of z, so that z itself is never put together. */
function mixerInput(at: Values, contexts: Tensor, { task, hidden }: Text2LoraConfig, layers: number): Tensor {
  const half = task / 2;
  const [forTask, forDepth, forType] = tf.split(at('mixer.0.weight'), [task, half, half], 0) as [Tf.Tensor2D, Tf.Tensor2D, Tf.Tensor2D];
  const encoded = applyLayerNorm(at, 'task.norm', applyLinear(at, 'task', contexts));
  const parts = tf.matMul(encoded as Tf.Tensor2D, forTask).add(at('mixer.0.bias')).reshape([-1, 1, 1, hidden])
    .add(tf.matMul(at('depth.weight') as Tf.Tensor2D, forDepth).reshape([1, layers, 1, hidden]))
    .add(tf.matMul(at('projection.weight') as Tf.Tensor2D, forType).reshape([1, 1, projections.length, hidden]));
  return parts.reshape([-1, hidden]);
}

function text2loraParameters({ input, task, hidden, rank }: Text2LoraConfig, model: ModelConfig): Parameter[] {
  const shapes = projectionShapes(model);
  const half = task / 2;
  return [
    ...linear('task', input, task), ...layerNorm('task.norm', task),
    { name: 'depth.weight', shape: [model.layers, half], start: { normal: 1 } },
    { name: 'projection.weight', shape: [projections.length, half], start: { normal: 1 } },
    ...linear('mixer.0', task + 2 * half, hidden), ...linear('mixer.1', hidden, hidden),
    ...['block.0', 'block.1'].flatMap((block) => [
      ...layerNorm(`${block}.norm`, hidden), ...linear(`${block}.0`, hidden, 4 * hidden), ...linear(`${block}.1`, 4 * hidden, hidden),
    ]),
    ...projections.flatMap((p) => [
      ...linear(`${p}.a`, hidden, rank * shapes[p].in), ...linear(`${p}.b`, hidden, rank * shapes[p].out, 'zero'),
    ]),
  ];
}
