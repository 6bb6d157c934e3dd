/** Compiles lib/src to lib/dist, from where notebooks, tests and the command line import it by its name, `code2lora`. */
import { existsSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { run } from './run.mjs';
import { hash, hashFiles, readStamp, writeStamp } from './stamp.mjs';

const stamp = inRoot('node_modules', '.cache', 'code2lora', 'compile.json');
const output = inRoot('lib', 'dist', 'index.js');

export const compile = {
  name: 'compile lib',
  usually: '10 s',
  log: 'tsc.log',
  key: () => hash(hashFiles(inRoot('lib/src'), inRoot('lib/tsconfig.json'), inRoot('tsconfig.json'), inRoot('package-lock.json'))),
  fresh() {
    return existsSync(output) && readStamp(stamp)?.key === this.key();
  },
  async run() {
    const key = this.key();
    const args = [inRoot('node_modules/typescript/bin/tsc'), '-b', inRoot('lib')];
    await run(process.execPath, args, { log: this.log });
    writeStamp(stamp, { key });
  },
};
