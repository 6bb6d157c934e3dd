/** The learning rate of each step: linear warm-up, then a cosine or a line down to zero. */
export interface ScheduleConfig {
  steps: number;
  learningRate: number;
  warmupFraction: number;
  schedule: 'cosine' | 'linear';
}

/** @param step from 0 */
export function learningRate({ steps, learningRate: rate, warmupFraction, schedule }: ScheduleConfig, step: number): number {
  const warmup = Math.max(1, Math.round(warmupFraction * steps));
  if (step < warmup) return (rate * (step + 1)) / warmup;
  const done = (step - warmup) / (steps - warmup);
  return rate * (schedule === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * done)) : 1 - done);
}
