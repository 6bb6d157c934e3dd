/** Why TensorFlow does not take the GPU: it says so at start-up only, in a log that is switched off elsewhere. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The pip packages that bring CUDA's libraries, by the libraries' names. */
const packages: Record<string, string> = {
  libcudart: 'nvidia-cuda-runtime-cu12', libcublas: 'nvidia-cublas-cu12', libcublasLt: 'nvidia-cublas-cu12', libcufft: 'nvidia-cufft-cu12',
  libcusolver: 'nvidia-cusolver-cu12', libcusparse: 'nvidia-cusparse-cu12', libcudnn: 'nvidia-cudnn-cu12', libcurand: 'nvidia-curand-cu12',
  libnccl: 'nvidia-nccl-cu12', libcupti: 'nvidia-cuda-cupti-cu12', libnvrtc: 'nvidia-cuda-nvrtc-cu12', libnvJitLink: 'nvidia-nvjitlink-cu12',
};
const AGAIN = 'remove the folder .venv and run "npm run setup", which installs TensorFlow for CUDA with its libraries.';

/** What the engine's own start-up log says is missing, and how to get it. */
export function explainLog(log: string): string {
  const missing = [...new Set([...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map((m) => m[1]!))];
  if (missing.length) {
    const named = missing.map((file) => {
      const from = packages[file.split('.')[0]!];
      return from ? `${file} (of the pip package ${from})` : file;
    });
    return `The loader does not find ${named.join(', ')}: ${missing.includes('libcuda.so.1') ? 'libcuda.so.1 comes with the GPU\'s driver, install that; otherwise ' : ''}${AGAIN}`;
  }
  const failure = /(CUDA_ERROR_\w+|CUDA driver version is insufficient[^\n]*|failed call to cuInit: [^\n]*)/.exec(log)?.[1];
  if (failure) return `CUDA says "${failure.trim()}": update the GPU's driver, or in a container pass the GPU on (--gpus all).`;
  if (!/cuda|gpu/i.test(log)) return `The TensorFlow in .venv is the one for processors: ${AGAIN}`;
  return `TensorFlow's own words: ${log.trim().split('\n').filter((l) => /gpu|cuda|dlopen/i.test(l)).at(-1)?.replace(/^.*?\] /, '') ?? 'none'}`;
}

export function whyNoGpu(): string {
  const engine = fileURLToPath(new URL('../engine/tensorflow.js', import.meta.url));
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(engine)});`], {
    encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1' },
  });
  return explainLog(stderr);
}
