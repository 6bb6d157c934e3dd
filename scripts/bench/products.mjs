/** Matrix products one at a time, in GFLOP/s: our own over packed weights, its gradient, and TensorFlow's. */
import { freeze } from '../../lib/dist/engine/frozen.js';
import { kernels } from '../../lib/dist/engine/kernels.js';
import { linear } from '../../lib/dist/engine/ops.js';
import { device, tf, usesKernels } from '../../lib/dist/engine/tensorflow.js';

const SHAPES = [
  { of: 'a layer of nano-coder', rows: 2048, inner: 256, columns: 512 }, { of: 'square', rows: 2048, inner: 2048, columns: 2048 },
  { of: "nano-coder's head", rows: 512, inner: 256, columns: 8192 }, { of: 'head of a 0.5B', rows: 128, inner: 896, columns: 151_936 },
  { of: 'head of a 0.5B, bfloat16', rows: 128, inner: 896, columns: 151_936, half: true },
  { of: 'gate and up of a 0.5B, 32 rows, bfloat16', rows: 32, inner: 896, columns: 9728, half: true },
  { of: 'the same, one row', rows: 1, inner: 896, columns: 9728, half: true },
];

/** Of the fastest of many: what the processor can do, whatever else runs. */
function rate(flops, product) {
  let best = Infinity;
  for (const end = performance.now() + 1500; performance.now() < end;) {
    const began = performance.now(), y = product();
    best = Math.min(best, performance.now() - began);
    y.dispose();
  }
  return (flops / best / 1e6).toFixed(0);
}

if (!usesKernels) throw new Error('our kernels are switched off');
console.log(`${device()}\n\n| product | rows x inner x columns | ours | its gradient | TensorFlow's |\n| --- | --- | ---: | ---: | ---: |`);
for (const { of, rows, inner, columns, half = false } of SHAPES) {
  const x = tf.randomNormal([rows, inner]).mul(1), dy = tf.randomNormal([rows, columns]).mul(1), w = tf.randomNormal([inner, columns]).mul(1);
  const packed = freeze(w.clone(), { half }), flops = 2 * rows * inner * columns;
  const row = [rate(flops, () => linear(x, packed)), rate(flops, () => kernels.linearGrad(dy, packed)), rate(flops, () => tf.matMul(x, w))];
  console.log(`| ${of} | ${[rows, inner, columns].map((n) => n.toLocaleString('en')).join(' x ')} | ${row.join(' | ')} |`);
  tf.dispose([x, dy, w, packed]);
}
