/**
 * The stop button of a notebook. It interrupts the kernel, which ends the cell but not what the cell began: that ends here,
 * at its next progress report, and what is finished stays. Commands are ended by the signal itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { UserError } from './errors.js';
import type { Progress } from './progress.js';

export class Stopped extends UserError {
  constructor() {
    super('Stopped. What is finished is kept, and the same cell goes on from the last checkpoint.');
  }
}

let stops = 0;
/** How many stops there had been when the work that asks was begun. */
const begun = new AsyncLocalStorage<number>();

/** From now on an interrupt stops work in place of ending the process. */
export function stopOnInterrupt(): void {
  process.on('SIGINT', () => { stops++; });
}

/** Runs `work`, which ends at the next stop; within other such work it ends with that. */
export const stoppable = <T>(work: () => Promise<T>): Promise<T> => (begun.getStore() === undefined ? begun.run(stops, work) : work());

/** @throws Stopped when what calls this was stopped */
export function checkStopped(): void {
  const since = begun.getStore();
  if (since !== undefined && stops > since) throw new Stopped();
}

/** Reports, and ends there what was stopped. */
export const stopping = (progress: Progress): Progress => (update) => {
  progress(update);
  checkStopped();
};

/** What several ask for may be stopped with the one who began it: the others ask again. */
export async function unstopped<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      checkStopped();
    }
  }
}

const running = new Map<string, Promise<unknown>>();

/** What `make` gives, made once at a time in this process: whoever asks while it is being made waits for the same. */
export const once = <T>(key: string, make: () => Promise<T>): Promise<T> => unstopped(() => {
  const made = running.get(key) ?? make().finally(() => running.delete(key));
  running.set(key, made);
  return made as Promise<T>;
});
