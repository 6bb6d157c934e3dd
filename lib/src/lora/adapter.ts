/**
 * A LoRA adapter as a value: for each projection type, A [r, in] and B [out, r]; W becomes W + alpha/r · B A.
 * One entry in `layers` serves every layer of the model (Code2LoRA, paper §3.2); otherwise there is one a layer (PEFT).
 */
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import type { ModelConfig } from '../model/config.js';
import type { LowRank, LowRankLayer } from '../model/transformer.js';
import { toList, type Model } from '../model/weights.js';
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
  layers: LayerAdapter[];
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

/** The low-rank form that the transformer applies: factors of projections with one input side by side. Differentiable. */
export function toLowRank(adapter: Adapter): LowRankLayer[] {
  const scale = adapter.alpha / adapter.rank;
  const join = (parts: Factors[]): LowRank => {
    const widths = parts.map((p) => p.b.shape.at(-2)!);
    const total = widths.reduce((x, y) => x + y, 0);
    let before = 0;
    const rows = parts.map((p, i) => {
      const edges: [number, number][] = p.b.shape.slice(0, -2).map(() => [0, 0]);
      const padded = tf.pad(swapLast(p.b.mul(scale)), [...edges, [0, 0], [before, total - before - widths[i]!]]);
      before += widths[i]!;
      return padded;
    });
    return { a: swapLast(tf.concat(parts.map((p) => p.a), -2)), b: tf.concat(rows, -2) };
  };
  return adapter.layers.map((l) => ({
    qkv: join([l.q_proj, l.k_proj, l.v_proj]),
    o: join([l.o_proj]),
    gateUp: join([l.gate_proj, l.up_proj]),
    down: join([l.down_proj]),
  }));
}

const swapLast = (x: Tensor): Tensor => x.transpose(x.rank === 2 ? [1, 0] : [0, 2, 1]);

/** A model with the adapter added into its weights: no cost at inference. Dispose of it with `disposeMerged`. */
export function merge(model: Model, adapter: Adapter): Model {
  return tidy(() => {
    const low = toLowRank(adapter);
    const add = (w: Tensor, l: LowRank) => tf.keep(w.add(tf.matMul(l.a, l.b)));
    const layers = model.layers.map((w, i) => {
      const l = low.length === 1 ? low[0]! : low[i]!;
      return { ...w, qkv: add(w.qkv, l.qkv), o: add(w.o, l.o), gateUp: add(w.gateUp, l.gateUp), down: add(w.down, l.down) };
    });
    return { ...model, layers };
  });
}
export function disposeMerged(merged: Model, original: Model): void {
  const shared = new Set(toList(original));
  tf.dispose(toList(merged).filter((t) => !shared.has(t)));
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
  return adapterFromTensors(adapterTensors(a).map((t, i) => t.add(others[i]!)), a.rank, a.alpha);
}

/** The one adapter that `make` writes for a batch of one, or for all alike; owned by the caller. */
export function single(make: () => Adapter): Adapter {
  return kept(() => mapAdapter(make(), (t) => (t.rank === 3 ? t.squeeze([0]) : t.clone())));
}

/** What `make` gives outlives the tidying up after it. */
const kept = (make: () => Adapter): Adapter => tidy(() => mapAdapter(make(), (t) => tf.keep(t)));

/** The same adapter with every factor replaced. */
export function mapAdapter(adapter: Adapter, change: (factor: Tensor) => Tensor): Adapter {
  return { ...adapter, layers: adapter.layers.map((l) => mapLayer((p, k) => change(l[p][k]))) };
}

export function mapLayer(make: (projection: Projection, factor: 'a' | 'b') => Tensor): LayerAdapter {
  return Object.fromEntries(projections.map((p) => [p, { a: make(p, 'a'), b: make(p, 'b') }])) as LayerAdapter;
}

export function disposeAdapter(adapter: Adapter): void {
  tf.dispose(adapterTensors(adapter));
}

/** All factors in a fixed order: layer, projection, A then B. */
export function adapterTensors(adapter: Adapter): Tensor[] {
  return adapter.layers.flatMap((l) => projections.flatMap((p) => [l[p].a, l[p].b]));
}
/** Their names in that order: `0.q_proj.a`. */
export function adapterNames({ layers }: { layers: { length: number } }): string[] {
  return Array.from({ length: layers.length }, (_, i) => i).flatMap((i) => projections.flatMap((p) => [`${i}.${p}.a`, `${i}.${p}.b`]));
}
export function adapterFromTensors(list: Tensor[], rank: number, alpha: number): Adapter {
  const per = projections.length * 2;
  return {
    rank, alpha,
    layers: Array.from({ length: list.length / per }, (_, i) =>
      mapLayer((p, k) => list[i * per + projections.indexOf(p) * 2 + (k === 'a' ? 0 : 1)]!)),
  };
}

/** PEFT's initial adapter: A uniform in ±1/sqrt(in) (Kaiming, a = sqrt 5), B zero; one a layer. */
export function initialAdapter(config: ModelConfig, rank: number, alpha: number, seed: number): Adapter {
  const random = new Random(seed);
  const shapes = projectionShapes(config);
  return {
    rank, alpha,
    layers: Array.from({ length: config.layers }, () => mapLayer((p, k) => {
      const { in: width, out } = shapes[p];
      if (k === 'b') return tf.keep(tf.zeros([out, rank]));
      const bound = 1 / Math.sqrt(width);
      return tf.keep(tf.tensor2d(Float32Array.from({ length: rank * width }, () => bound * (2 * random.next() - 1)), [rank, width]));
    })),
  };
}
