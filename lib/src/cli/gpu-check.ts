/**
 * `code2lora doctor --gpu`: whether TensorFlow computes on the GPU, how fast, and whether it computes what a processor does.
 * Run as a script of its own it computes the processor's side and prints it (a process has one engine).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../store/errors.js';

/** Numbers of one training step and one attention on fixed inputs. */
interface Numbers {
  loss: number;
  /** L2 norm of each parameter's gradient. */
  gradients: number[];
  /** Some values of attention's output. */
  attention: number[];
}

const SHAPE = { vocabSize: 2048, hidden: 256, layers: 4, heads: 4, kvHeads: 2, headDim: 64, mlp: 768, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 1024 };

async function numbers(): Promise<Numbers> {
  const { tf, tidy } = await import('../engine/tensorflow.js');
  const { attention, places } = await import('../engine/ops.js');
  const { staticHead } = await import('../hypernet/static-head.js');
  const { attentionShape } = await import('../model/transformer.js');
  const { frozen, randomModel } = await import('../model/weights.js');
  const { adapterLearner } = await import('../train/adapter-learner.js');
  const { filled } = await import('../engine/arrays.js');
  const { Random } = await import('../store/random.js');
  const random = new Random(7), model = frozen(randomModel(SHAPE, 1), { half: true });
  const head = staticHead({ input: 64, hidden: 64, rank: 8, alpha: 16 }, SHAPE), parameters = head.initial(2);
  const vector = filled([1, 64], () => random.normal());
  const ids = (count: number) => Array.from({ length: count }, () => random.below(SHAPE.vocabSize));
  const task = { id: '', repo: 'r', path: '', prefix: '', target: '' };
  const items = [Array.from({ length: 4 }, () => ({ task: task as never, prefix: ids(200), target: ids(16) }))];
  const learner = adapterLearner(model, { parameters, names: head.names, write: (p) => head.apply(p, vector) }, [], () => ({ repo: 'r' }),
    { microBatch: 4, detachInput: false, checkpoint: true }, 0);
  const { loss, gradients } = learner.gradients(parameters, { contexts: [{ repo: 'r' }], items });
  const shape = attentionShape(SHAPE), qkv = filled([2, 300, (SHAPE.heads + 2 * SHAPE.kvHeads) * SHAPE.headDim], () => random.normal());
  const out = tidy(() => attention(qkv, places(tf.tensor1d([0, 40], 'int32'), 2, 300, shape), shape).flatten().dataSync<'float32'>());
  return {
    loss, gradients: gradients.map((g) => tidy(() => g.norm().dataSync<'float32'>()[0]!)),
    attention: Array.from({ length: 500 }, (_, i) => out[(i * 307) % out.length]!),
  };
}

/** Largest difference relative to the largest value. */
function gap(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / Math.max(...b.map(Math.abs));
}

/** What ten bits of fraction leave of a training step, and what 23 do; measured on an H100 they are a third of it. */
const BOUND = { tf32: 2e-2, float: 1e-3 };

function processorsNumbers(): Numbers {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--reference'], {
    encoding: 'utf8', env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1' },
  });
  if (status !== 0) throw new UserError(`The processor's side of the comparison failed: ${stderr.trim().split('\n').at(-1)}.`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Numbers;
}

export async function checkGpu(): Promise<void> {
  const { device, onGpu, tf } = await import('../engine/tensorflow.js');
  const { gpus, tensorFloat32 } = await import('../engine/gpu.js');
  const [gpu] = gpus();
  if (!onGpu) {
    const { whyNoGpu } = await import('./gpu-libraries.js');
    throw new UserError(gpu
      ? `TensorFlow does not compute on the GPU of this machine (${gpu.name}, driver ${gpu.driver}). ${whyNoGpu()}`
      : 'No GPU answers on this machine: nvidia-smi is missing or lists none. Install the driver from your distribution or https://www.nvidia.com/drivers.');
  }
  const line = (name: string, found: string) => console.log(`${name.padEnd(18)}${found}`);
  line('Device', device());
  if (gpu) line('Memory', `${(gpu.freeBytes / 1e9).toFixed(1)} GB free of ${(gpu.memoryBytes / 1e9).toFixed(1)} GB; driver ${gpu.driver}`);
  line('TF32', tensorFloat32() ? 'on: factors of products are rounded to ten bits of fraction (NVIDIA_TF32_OVERRIDE=0 switches it off)' : 'off');
  const side = 4096, a = tf.randomNormal([side, side]);
  const product = () => tf.tidy(() => tf.matMul(a, a).slice([0, 0], [1, 1]).dataSync());
  product();
  const began = performance.now();
  for (let i = 0; i < 5; i++) product();
  line('Products', `${((5 * 2 * side ** 3) / (performance.now() - began) / 1e9).toFixed(1)} TFLOP/s`);
  a.dispose();
  const own = await numbers(), reference = processorsNumbers(), bound = tensorFloat32() ? BOUND.tf32 : BOUND.float;
  const gaps = { Attention: gap(own.attention, reference.attention), 'Training step': Math.max(gap([own.loss], [reference.loss]), gap(own.gradients, reference.gradients)) };
  for (const [name, g] of Object.entries(gaps)) line(name, `differs from the processor's by ${g.toExponential(1)} of the largest value (at most ${bound} expected)`);
  const worst = Math.max(...Object.values(gaps));
  if (!(worst < bound)) throw new UserError(`The GPU computes something else than the processor: ${worst.toExponential(1)}, where at most ${bound} is rounding. Do not trust results from it; update its driver and run "npm run setup".`);
}

if (process.argv[2] === '--reference' && process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await numbers()));
