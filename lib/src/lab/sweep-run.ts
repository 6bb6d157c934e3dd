/** A run of a sweep, and what a sweep needs of its workspace: for those who do the runs, here and on a cluster. */
import type { Progress } from '../store/progress.js';
import type { Run, RunOptions } from './run.js';

export interface SweepRun extends RunOptions {
  /** What progress and errors call it. */
  name: string;
  method: string;
}

export type SweptRun = Run & { name: string };

/** What a sweep asks of its workspace. */
export interface SweepLab {
  profile: string;
  recompute: boolean;
  progress: Progress;
  /** The run's id, and that of what it trains, which several runs may share. */
  ids(run: SweepRun): { id: string; training: string | undefined };
  stored(run: SweepRun): Promise<Run | undefined>;
  /** Makes what runs have in common: tasks, frozen model, vectors. */
  prepare(run: SweepRun): Promise<void>;
  perform(run: SweepRun, progress: Progress): Promise<Run>;
}

/** What a process is told. */
export type SweepJob = Pick<SweepLab, 'profile' | 'recompute'> & { run: SweepRun };
