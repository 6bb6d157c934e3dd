/**
 * What the hypernetworks are built of: parameters as a list of names, shapes and PyTorch's initial values, so that a
 * network of any size can be counted without being allocated; and the layers that read them.
 */
import { filled } from '../engine/arrays.js';
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import { mapLayer, projections, projectionShapes, type Adapter, type Projection } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import { Random } from '../store/random.js';

/** `uniform`: in ±bound. `normal`: mean 0 and this standard deviation. `value`: the same everywhere, or in each of equal parts. */
export type Start = { uniform: number } | { normal: number } | { value: number | readonly number[] };

/** Weights of linear layers are [in, out]: the transpose of PyTorch's. */
export interface Parameter {
  name: string;
  shape: number[];
  start: Start;
}

/** What is trained: kept tensors in the order of `names`. */
export interface Network {
  names: string[];
  /** Exact number of values, from the shapes alone. */
  parameterCount: number;
  /** New kept tensors. The same seed gives the same values on every machine. */
  initial(seed: number): Tensor[];
}

export interface Hypernetwork extends Network {
  /** Repository vectors [R, input] -> the adapters of R repositories, batched. Differentiable in `parameters`. */
  apply(parameters: Tensor[], contexts: Tensor): Adapter;
}

/** The tensor of a parameter's name. */
export type Values = (name: string) => Tensor;

/** A network of these parameters, and how its layers find their values in a list of tensors. */
export function network(parameters: Parameter[]): { network: Network; values: (list: Tensor[]) => Values } {
  const index = new Map(parameters.map((p, i) => [p.name, i]));
  return {
    network: {
      names: parameters.map((p) => p.name),
      parameterCount: parameters.reduce((n, p) => n + sizeOf(p.shape), 0),
      initial(seed) {
        const random = new Random(seed);
        return parameters.map((p) => draw(p, random));
      },
    },
    values: (list) => (name) => list[index.get(name)!]!,
  };
}

function draw({ shape, start }: Parameter, random: Random): Tensor {
  const size = sizeOf(shape);
  if ('value' in start) {
    const parts = [start.value].flat();
    if (parts.length === 1) return tf.keep(tf.fill(shape, parts[0]!));
    return tf.keep(tf.tensor(Float32Array.from({ length: size }, (_, i) => parts[Math.floor((i * parts.length) / size)]!), shape));
  }
  return filled(shape, 'uniform' in start ? () => start.uniform * (2 * random.next() - 1) : () => start.normal * random.normal());
}
const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** torch.nn.Linear: weight and bias uniform in ±1/sqrt(in). A layer that starts at `zero` has both at zero. */
export function linear(
  name: string, from: number, to: number, start: 'default' | 'zero bias' | 'zero' = 'default',
): Parameter[] {
  const uniform: Start = { uniform: 1 / Math.sqrt(from) };
  return [
    { name: `${name}.weight`, shape: [from, to], start: start === 'zero' ? { value: 0 } : uniform },
    { name: `${name}.bias`, shape: [to], start: start === 'default' ? uniform : { value: 0 } },
  ];
}

/** y = x W + b. x [N, in]. */
export function applyLinear(at: Values, name: string, x: Tensor): Tensor {
  return tf.matMul(x as Tf.Tensor2D, at(`${name}.weight`) as Tf.Tensor2D).add(at(`${name}.bias`));
}

export function layerNorm(name: string, width: number): Parameter[] {
  return [
    { name: `${name}.weight`, shape: [width], start: { value: 1 } },
    { name: `${name}.bias`, shape: [width], start: { value: 0 } },
  ];
}

/** torch.nn.LayerNorm over the last axis, eps 1e-5. */
export function applyLayerNorm(at: Values, name: string, x: Tensor): Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(at(`${name}.weight`)).add(at(`${name}.bias`));
}

/** GELU by the error function, not its tanh approximation. */
export const gelu = (x: Tensor): Tensor => x.mul(0.5).mul(tf.erf(x.mul(Math.SQRT1_2)).add(1));
export const silu = (x: Tensor): Tensor => x.mul(tf.sigmoid(x));

/**
 * torch.nn.GRU with one layer; gates in the order reset, update, new.
 * @param memory all values uniform in ±1/sqrt(width), as PyTorch starts, keep half of the state at each step. `short`:
 *   the state reaches the next one through the update gate only, which keeps an eighth of it
 */
export function gru(name: string, input: number, width: number, memory?: 'short'): Parameter[] {
  const start: Start = { uniform: 1 / Math.sqrt(width) };
  return [
    { name: `${name}.input.weight`, shape: [input, 3 * width], start },
    { name: `${name}.input.bias`, shape: [3 * width], start },
    { name: `${name}.state.weight`, shape: [width, 3 * width], start: memory ? { value: 0 } : start },
    { name: `${name}.state.bias`, shape: [3 * width], start: memory ? { value: [0, -2, 0] } : start },
  ];
}

/** One step: input x [R, input] and state h [R, width] -> the next state [R, width]. */
export function applyGru(at: Values, name: string, x: Tensor, h: Tensor): Tensor {
  const [rows, width] = h.shape as [number, number];
  const fromInput = applyLinear(at, `${name}.input`, x), fromState = applyLinear(at, `${name}.state`, h);
  const gates = (t: Tensor) => t.slice([0, 0], [rows, 2 * width]);
  const last = (t: Tensor) => t.slice([0, 2 * width], [rows, width]);
  const [reset, update] = tf.split(tf.sigmoid(gates(fromInput).add(gates(fromState))), 2, 1) as [Tensor, Tensor];
  // The state's bias stands inside the reset gate, as in PyTorch.
  const fresh = tf.tanh(last(fromInput).add(reset.mul(last(fromState))));
  return fresh.add(update.mul(h.sub(fresh)));
}

/** A [r, in] or B [out, r] of a projection. */
export function factorShape(projection: Projection, factor: 'a' | 'b', rank: number, model: ModelConfig): [number, number] {
  const shape = projectionShapes(model)[projection];
  return factor === 'a' ? [rank, shape.in] : [shape.out, rank];
}

/**
 * An adapter with factors of its own in each layer.
 * @param rows writes one factor of one type for all repositories and layers: [R·layers, r·in] or [R·layers, out·r]
 */
export function layerwise(
  { rank, alpha }: { rank: number; alpha: number }, model: ModelConfig,
  rows: (projection: Projection, factor: 'a' | 'b') => Tensor,
): Adapter {
  const { layers } = model;
  const apart = (p: Projection, k: 'a' | 'b') =>
    tf.unstack(rows(p, k).reshape([-1, layers, ...factorShape(p, k, rank, model)]), 1);
  const factors = new Map(projections.map((p) => [p, { a: apart(p, 'a'), b: apart(p, 'b') }]));
  return { rank, alpha, depth: layers, layers: Array.from({ length: layers }, (_, i) => mapLayer((p, k) => factors.get(p)![k][i]!)) };
}
