/**
 * Whether the engine computes on the GPU for which TensorFlow was installed, asked of the engine itself. Where it does not,
 * set-up says why and goes on: everything runs on the processor as well.
 */
import { existsSync, statSync } from 'node:fs';
import { builtBinding } from './engine.mjs';
import { device } from './packages.mjs';
import { inRoot } from './paths.mjs';
import { lastLine, run } from './run.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const stamp = inRoot('node_modules', '.cache', 'code2lora', 'gpu.json');
const engineOf = () => (existsSync(builtBinding) ? statSync(builtBinding).mtimeMs : 0);

export const gpu = {
  name: 'the engine on the GPU',
  usually: '20 s',
  log: 'gpu.log',
  fresh() {
    return device() === 'cpu' || readStamp(stamp)?.engine === engineOf();
  },
  async run() {
    try {
      await run(process.execPath, [inRoot('lib', 'bin', 'code2lora.js'), 'doctor', '--gpu'], { log: this.log, timeoutSeconds: 300 });
    } catch {
      // Asked again at the next set-up.
      return `NOT USED, everything will run on the processor. ${lastLine(this.log)}`;
    }
    writeStamp(stamp, { engine: engineOf() });
    return 'computes what the processor does';
  },
};
