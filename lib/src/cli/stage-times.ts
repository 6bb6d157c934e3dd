/** Where the time of a command went: how long each stage took, as its progress tells it. */
import type { Progress } from '../store/progress.js';
import { duration } from './terminal-progress.js';

export interface StageTimes {
  progress: Progress;
  /** What follows belongs to this stage until another one reports. */
  begin(stage: string): void;
  /** `4 min 02 s training single-lora`, one line a stage, the longest first; the short ones together. */
  summary(): string[];
}

const SHORT_MS = 1000;

/** Passes updates on to `inner`. A stage lasts from its first update to that of the next. */
export function stageTimes(inner: Progress, now: () => number = Date.now): StageTimes {
  const times = new Map<string, number>();
  let current = 'starting', since = now();
  const begin = (stage: string): void => {
    if (stage === current) return;
    const time = now();
    times.set(current, (times.get(current) ?? 0) + time - since);
    [current, since] = [stage, time];
  };
  return {
    begin,
    progress: (update) => {
      begin(update.stage);
      inner(update);
    },
    summary() {
      begin('');
      const all = [...times].filter(([stage]) => stage).sort(([, a], [, b]) => b - a);
      const long = all.filter(([, ms]) => ms >= SHORT_MS), rest = all.slice(long.length).reduce((sum, [, ms]) => sum + ms, 0);
      return [...long, ...(rest ? [['everything shorter than a second', rest] as const] : [])].map(([stage, ms]) => `${duration(ms).padStart(12)}  ${stage}`);
    },
  };
}
