/**
 * The state of an unfinished training run on disk: parameters and moments in one file a checkpoint, the best parameters
 * so far in another. Files are written whole or not at all and the last two checkpoints are kept, so a run killed at any
 * moment goes on from one of them.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AdamW } from '../engine/adamw.js';
import { toArray } from '../engine/arrays.js';
import { optimiserState, restoreOptimiser } from '../engine/optimiser-state.js';
import { UserError } from '../store/errors.js';
import { type NamedArray, readSafetensors, storeSafetensors } from '../store/safetensors.js';

const KEPT = 2;
/** Where the parameters after so many passes are kept. */
export const keptPath = (folder: string, passes: number): string => join(folder, `after-${passes}-passes.safetensors`);
const stepOf = (file: string): number => Number(/-(\d+)\.safetensors$/.exec(file)?.[1] ?? -1);

export class Checkpoints<State extends { bestStep: number }> {
  constructor(private readonly folder: string, private readonly optimiser: AdamW, private readonly names: readonly string[]) {
    mkdirSync(folder, { recursive: true });
  }

  private list(kind: 'state' | 'best'): string[] {
    return readdirSync(this.folder).filter((f) => f.startsWith(`${kind}-`) && stepOf(f) >= 0).sort((a, b) => stepOf(b) - stepOf(a));
  }

  /**
   * Puts the optimiser where the newest checkpoint left it that is whole, with the best parameters until then. What is newer is
   * removed: `save` keeps the newest.
   */
  restore(): State | undefined {
    const state = this.newest();
    for (const file of this.list('best')) if (stepOf(file) > (state?.bestStep ?? 0)) rmSync(join(this.folder, file));
    return state;
  }

  private newest(): State | undefined {
    for (const file of this.list('state')) {
      try {
        const { tensors, metadata } = readSafetensors(join(this.folder, file));
        const state = JSON.parse(metadata['state']!) as State;
        if (state.bestStep) readSafetensors(this.bestPath(state.bestStep));
        restoreOptimiser(this.optimiser, this.names, tensors);
        this.optimiser.step = Number(metadata['step']);
        return state;
      } catch (error) {
        if (!(error instanceof UserError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        rmSync(join(this.folder, file));
      }
    }
    return undefined;
  }

  /** The present parameters are the best so far. To be followed by `save`. */
  saveBest(): void {
    storeSafetensors(this.bestPath(this.optimiser.step), this.values());
  }

  save(state: State): void {
    const { step } = this.optimiser;
    storeSafetensors(join(this.folder, `state-${step}.safetensors`), optimiserState(this.optimiser, this.names),
      { step: String(step), state: JSON.stringify(state) });
    const states = this.list('state'), oldest = stepOf(states.slice(0, KEPT).at(-1)!);
    // The best of the older kept checkpoint is still needed: the newest best file that is not newer than it.
    const notNewer = this.list('best').filter((f) => stepOf(f) <= oldest);
    for (const file of [...states.slice(KEPT), ...notNewer.slice(1)]) rmSync(join(this.folder, file));
  }

  /** The present parameters, after so many passes, stay whatever follows. */
  keep(passes: number): void {
    storeSafetensors(keptPath(this.folder, passes), this.values());
  }

  private values(): Map<string, NamedArray> {
    return new Map(this.names.map((n, i) => [n, toArray(this.optimiser.parameters[i]!)]));
  }

  best(step: number): Map<string, NamedArray> {
    return readSafetensors(this.bestPath(step)).tensors;
  }

  private bestPath(step: number): string {
    return join(this.folder, `best-${step}.safetensors`);
  }
}
