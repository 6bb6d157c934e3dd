/**
 * Settings that TensorFlow and the kernels' threads read from the environment when they are loaded: to be imported before
 * whatever may load them first, which in a notebook can be danfojs. What the environment says already stays.
 *
 * Quiet start-up lines. Idle kernel threads that spin for some 20 µs, so that the next kernel need not wake them, and then
 * leave the processor to TensorFlow's own. No oneDNN, which TensorFlow takes or leaves by the processor: what is left for
 * it is little (docs/performance.md), it changes the last bits, and it prints a line of its own. Of a GPU's memory, as much
 * as is needed and not all there is.
 */
const settings = {
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  TF_CPP_MIN_LOG_LEVEL: '2', OMP_WAIT_POLICY: 'PASSIVE', GOMP_SPINCOUNT: '1000', TF_ENABLE_ONEDNN_OPTS: '0',
};
for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
