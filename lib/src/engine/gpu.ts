/** What the machine says of its GPUs, by way of nvidia-smi. Whether TensorFlow computes on one is another matter: tensorflow.ts. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface Gpu {
  name: string;
  driver: string;
  memoryBytes: number;
  freeBytes: number;
}

let found: Gpu[] | undefined;

/** The GPUs that this process may use as they were when it was first asked, the one that computes first; none where the driver does not answer. */
export function gpus(): readonly Gpu[] {
  return (found ??= existsSync('/proc/driver/nvidia') || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg') ? ask() : []);
}

function ask(): Gpu[] {
  // A number, a GPU-... or a MIG-... name, of which nvidia-smi knows the first two.
  const [first] = process.env['CUDA_VISIBLE_DEVICES']?.split(',') ?? [];
  const query = [...(first && /^(\d+|GPU-[\w-]+)$/.test(first) ? ['-i', first] : []), '--query-gpu=name,driver_version,memory.total,memory.free', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
  if (status !== 0) return [];
  return stdout.trim().split('\n').flatMap((line) => {
    const [name, driver, total, free] = line.split(',').map((x) => x.trim());
    const [memoryBytes, freeBytes] = [Number(total) * 2 ** 20, Number(free) * 2 ** 20];
    return name && driver && memoryBytes > 0 && freeBytes >= 0 ? [{ name, driver, memoryBytes, freeBytes }] : [];
  });
}

/** Whether a GPU rounds the factors of products to TensorFloat-32, ten bits of fraction: NVIDIA's own switch, which cuBLAS reads. */
export const tensorFloat32 = (): boolean => process.env['NVIDIA_TF32_OVERRIDE'] !== '0';
