/** The process of one run of a sweep. It is told the run, says how far it is, and ends with it, or when its parent is gone. */
import { explain } from '../store/errors.js';
import type { SweepMessage } from './sweep.js';
import type { SweepJob } from './sweep-run.js';
import { openWorkspace } from './workspace.js';

const send = (message: SweepMessage, sent?: () => void): void => { process.send?.(message, undefined, undefined, sent); };

process.on('disconnect', () => process.exit());
process.once('message', ({ profile, recompute, run: { method, ...options } }: SweepJob) => {
  openWorkspace({ profile, recompute, progress: (update) => send(update) }).run(method, options).then(
    () => process.exit(),
    (error: unknown) => send({ failed: explain(error) }, () => process.exit(1)),
  );
});
