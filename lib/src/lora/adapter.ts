/**
 * A LoRA adapter as a value: for each projection type, A [r, in] and B [out, r]; W becomes W + alpha/r · B A.
 * One entry in `layers` serves every layer that it is for (Code2LoRA, paper §3.2); otherwise there is one a layer (PEFT).
 */
import type { LowRank } from '../engine/kernels.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import type { ModelConfig } from '../model/config.js';
import type { LowRankLayer } from '../model/transformer.js';
import { UserError } from '../store/errors.js';
import { Random } from '../store/random.js';

export const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type Projection = (typeof projections)[number];

/** A [r, in], B [out, r]; or [R, r, in] and [R, out, r] for the adapters of R repositories at once. */
export interface Factors {
  a: Tensor;
  b: Tensor;
}
export type LayerAdapter = Record<Projection, Factors>;

export interface Adapter {
  rank: number;
  alpha: number;
  /** How many of the model's layers it is for: its last ones. */
  depth: number;
  layers: LayerAdapter[];
  /**
   * A further adapter that is added to this one, the same for all repositories (factors of rank 2): while a hypernetwork
   * is trained, and where it answers, what it has learnt for all stands apart from what it writes for each. `inOne` puts both into one.
   */
  shared?: Adapter;
}

/** The shape of a model's last layers, for an adapter of these alone (`learning.layers`); of all when absent. @throws UserError when it has not so many */
export function lastLayers(config: ModelConfig, layers = config.layers): ModelConfig {
  if (Number.isInteger(layers) && layers >= 1 && layers <= config.layers) return { ...config, layers };
  throw new UserError(`learning.layers is ${layers}, and the frozen model has ${config.layers} layers: choose a number from 1 to ${config.layers}, or leave it out to adapt all.`);
}

/** Input and output width of each projection. */
export function projectionShapes(c: ModelConfig): Record<Projection, { in: number; out: number }> {
  const q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  return {
    q_proj: { in: c.hidden, out: q }, k_proj: { in: c.hidden, out: kv }, v_proj: { in: c.hidden, out: kv },
    o_proj: { in: q, out: c.hidden }, gate_proj: { in: c.hidden, out: c.mlp }, up_proj: { in: c.hidden, out: c.mlp },
    down_proj: { in: c.mlp, out: c.hidden },
  };
}

/** The low-rank form that a transformer applies to its last layers: factors of projections with one input side by side. Differentiable. */
export function toLowRank(adapter: Adapter): LowRankLayer[] {
  const scale = adapter.alpha / adapter.rank;
  const join = (parts: Factors[]): LowRank => {
    const widths = parts.map((p) => p.b.shape.at(-2)!);
    const total = widths.reduce((x, y) => x + y, 0);
    let before = 0;
    const rows = parts.map((p, i) => {
      const b = batched(p.b).transpose([0, 2, 1]).mul(scale);
      const padded = parts.length > 1 ? tf.pad(b, [[0, 0], [0, 0], [before, total - before - widths[i]!]]) : b;
      before += widths[i]!;
      return padded;
    });
    return { a: tf.concat(parts.map((p) => batched(p.a)), 1), b: tf.concat(rows, 1) };
  };
  const own = adapter.layers.map((l) => ({
    qkv: [join([l.q_proj, l.k_proj, l.v_proj])], o: [join([l.o_proj])], gateUp: [join([l.gate_proj, l.up_proj])], down: [join([l.down_proj])],
  }));
  const shared = adapter.shared && toLowRank(adapter.shared);
  return Array.from({ length: adapter.depth }, (_, i) => {
    const l = ofLayer(own, i), s = shared?.[i];
    return s ? { qkv: [...s.qkv, ...l.qkv], o: [...s.o, ...l.o], gateUp: [...s.gateUp, ...l.gateUp], down: [...s.down, ...l.down] } : l;
  });
}

/** What stands for layer i where one entry serves every layer, or there is one a layer. */
export const ofLayer = <T>(list: readonly T[], i: number): T => (list.length === 1 ? list[0]! : list[i]!);
const batched = (x: Tensor): Tensor => (x.rank === 3 ? x : x.expandDims(0));

/**
 * Adapters of S repositories as one, with factors [S, ...]. What is `shared` is taken to be the same for all, as it is in
 * what one network writes.
 */
export function stackAdapters(adapters: readonly Adapter[]): Adapter {
  const [first] = adapters;
  const layers = first!.layers.map((_, i) => mapLayer((p, k) => tf.stack(adapters.map((one) => one.layers[i]![p][k]))));
  return { ...first!, layers };
}

/** The element-wise mean of adapters of one shape, taken one after another: whoever yields them may dispose of each. */
export function averageAdapters(adapters: Iterable<Adapter>): Adapter {
  let sum: Adapter | undefined, count = 0;
  for (const next of adapters) {
    const before = sum;
    sum = kept(() => (before ? addAdapters(before, next) : mapAdapter(next, (t) => t.clone())));
    if (before) disposeAdapter(before);
    count++;
  }
  const total = sum!, average = kept(() => mapAdapter(total, (t) => t.div(count)));
  disposeAdapter(total);
  return average;
}

function addAdapters(a: Adapter, b: Adapter): Adapter {
  const others = adapterTensors(b);
  return withTensors(a, adapterTensors(a).map((t, i) => t.add(others[i]!)));
}

/** `from` + factor · (`to` − `from`), factor by factor: between two adapters of one shape, or beyond them. */
export function between(from: Adapter, to: Adapter, factor: number): Adapter {
  const ends = adapterTensors(to);
  return kept(() => withTensors(from, adapterTensors(from).map((t, i) => t.add(ends[i]!.sub(t).mul(factor)))));
}

/** The one adapter that `make` writes for a batch of one, or for all alike; owned by the caller. */
export function single(make: () => Adapter): Adapter {
  return kept(() => mapAdapter(make(), (t) => (t.rank === 3 ? t.squeeze([0]) : t.clone())));
}

/**
 * An adapter and what is added to it as one adapter: the factors of both side by side along the rank. Both are scaled
 * by alpha/rank, which is the same for a hypernetwork's two parts, so twice the rank and twice alpha leave it as it is.
 */
export function inOne({ shared, ...own }: Adapter): Adapter {
  if (!shared) return own;
  const layers = shared.layers.map((forAll, i) => mapLayer((p, k) => {
    const written = ofLayer(own.layers, i)[p][k];
    const beside = written.rank === 3 ? forAll[p][k].add(tf.zeros([written.shape[0]!, 1, 1])) : forAll[p][k];
    return tf.concat([beside, written], k === 'a' ? -2 : -1);
  }));
  return { ...own, rank: own.rank + shared.rank, alpha: own.alpha + shared.alpha, layers };
}

/** What `make` gives outlives the tidying up after it. */
const kept = (make: () => Adapter): Adapter => tidy(() => mapAdapter(make(), (t) => tf.keep(t)));

/** The same adapter with every factor replaced. */
export function mapAdapter(adapter: Adapter, change: (factor: Tensor) => Tensor): Adapter {
  return {
    ...adapter, layers: adapter.layers.map((l) => mapLayer((p, k) => change(l[p][k]))),
    ...(adapter.shared && { shared: mapAdapter(adapter.shared, change) }),
  };
}
/** The same adapter with these factors, in the order of `adapterTensors`. */
export function withTensors(adapter: Adapter, list: readonly Tensor[]): Adapter {
  let at = 0;
  return mapAdapter(adapter, () => list[at++]!);
}

export function mapLayer(make: (projection: Projection, factor: 'a' | 'b') => Tensor): LayerAdapter {
  return Object.fromEntries(projections.map((p) => [p, { a: make(p, 'a'), b: make(p, 'b') }])) as LayerAdapter;
}

export function disposeAdapter(adapter: Adapter): void {
  tf.dispose(adapterTensors(adapter));
}

/** All factors in a fixed order: layer, projection, A then B; then those of the shared adapter. */
export function adapterTensors(adapter: Adapter): Tensor[] {
  return [...adapter.layers.flatMap((l) => projections.flatMap((p) => [l[p].a, l[p].b])), ...(adapter.shared ? adapterTensors(adapter.shared) : [])];
}
/** Their names in that order: `0.q_proj.a`. */
export function adapterNames({ layers }: { layers: number }): string[] {
  return Array.from({ length: layers }, (_, i) => i).flatMap((i) => projections.flatMap((p) => [`${i}.${p}.a`, `${i}.${p}.b`]));
}
export function adapterFromTensors(list: Tensor[], rank: number, alpha: number): Adapter {
  const per = projections.length * 2, depth = list.length / per;
  return {
    rank, alpha, depth,
    layers: Array.from({ length: depth }, (_, i) =>
      mapLayer((p, k) => list[i * per + projections.indexOf(p) * 2 + (k === 'a' ? 0 : 1)]!)),
  };
}

/** PEFT's initial adapter: A uniform in ±1/sqrt(in) (Kaiming, a = sqrt 5), B zero; one a layer. */
export function initialAdapter(config: ModelConfig, rank: number, alpha: number, seed: number): Adapter {
  const random = new Random(seed);
  const shapes = projectionShapes(config);
  return {
    rank, alpha, depth: config.layers,
    layers: Array.from({ length: config.layers }, () => mapLayer((p, k) => {
      const { in: width, out } = shapes[p];
      if (k === 'b') return tf.keep(tf.zeros([out, rank]));
      const bound = 1 / Math.sqrt(width);
      return tf.keep(tf.tensor2d(Float32Array.from({ length: rank * width }, () => bound * (2 * random.next() - 1)), [rank, width]));
    })),
  };
}
