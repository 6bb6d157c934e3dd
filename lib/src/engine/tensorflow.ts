/**
 * The one place that loads TensorFlow. Everything else imports `tf` from here.
 * The native binding is built by set-up against pip's TensorFlow, with our fused kernels (native/kernels.cc) in it.
 */
import './environment.js';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import util from 'node:util';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../store/errors.js';
import type { Binding, EngineAttribute, OpOutput } from './binding.js';
import { gpus, tensorFloat32 } from './gpu.js';
import { sendingOnce } from './small-values.js';

// tfjs-node 4.22 calls this helper, which Node 23 removed.
(util as { isNullOrUndefined?: (x: unknown) => boolean }).isNullOrUndefined ??= (x) => x === null || x === undefined;

function load(): typeof Tf {
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as typeof Tf;
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new UserError(`The TensorFlow engine does not load (${reason}). Run "npm run setup" to build it.`);
  }
}

export const tf = load();
export type { Tf };
export type Tensor = Tf.Tensor;

interface NativeBackend {
  isUsingGpuDevice: boolean;
  binding: Binding;
  /** `values`: those that JavaScript still holds, since no op has read them yet. */
  tensorMap: { get(dataId: Tf.DataId): { dtype: number | string; values: unknown } };
  getDTypeInteger(dtype: string): number;
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(of: OpOutput): Tensor;
  executeSingleOutput(name: string, attributes: EngineAttribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: EngineAttribute[], inputs: Tensor[], outputs: number): Tensor[];
}
export const backend = tf.backend() as unknown as NativeBackend;

/** True where TensorFlow computes on a CUDA device. Our kernels are for the CPU; a GPU runs their op-by-op twins. */
export const onGpu: boolean = backend.isUsingGpuDevice;

/** Which instruction set our kernels use, as the binding has chosen (native/load.cc): `avx512`, `avx2` or `none`. */
const instructions = process.env['CODE2LORA_KERNELS'] ?? 'none';
/** Whether our kernels compute, and not TensorFlow's ops. */
export const usesKernels: boolean = !onGpu && instructions !== 'none';
if (!usesKernels) backend.binding = sendingOnce(backend.binding);

/** What computes, for logs and run records: `cpu (AMD EPYC, 2 cores, avx512)`, `gpu (NVIDIA H100 80GB HBM3, TF32)`. */
export function device(): string {
  if (onGpu) return `gpu (${gpus()[0]?.name ?? 'CUDA'}, ${tensorFloat32() ? 'TF32' : 'no TF32'})`;
  return `cpu (${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${instructions})`;
}

/** Why a GPU of this machine is not used, or undefined: what a run says first. */
export function unusedGpu(): string | undefined {
  const [gpu] = onGpu ? [] : gpus();
  return gpu && `This machine has a GPU (${gpu.name}), but TensorFlow computes on the processor: "npx code2lora doctor --gpu" says why.`;
}

/** tf.tidy for functions whose result holds tensors in any structure of ours, or is an array of numbers, in which it would look for tensors one by one. */
export function tidy<T>(work: () => T): T {
  let result: T;
  tf.tidy((): Tf.TensorContainer => {
    result = work();
    return ArrayBuffer.isView(result) ? [] : result as Tf.TensorContainer;
  });
  return result!;
}
