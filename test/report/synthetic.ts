/** Made-up predictions, clearly so: repositories `synthetic-00…`, scores drawn around a rate that each row is given. */
import type { Prediction } from 'code2lora';

const ROWS = [
  { method: 'pretrained', adapter: 'none', CR: 0.31, IR: 0.32 },
  { method: 'single-lora', adapter: 'own', CR: 0.38, IR: 0.42 },
  { method: 'code2lora-static', adapter: 'own', CR: 0.405, IR: 0.47 },
  { method: 'code2lora-static', adapter: 'other', CR: 0.395, IR: 0.43 },
  { method: 'code2lora-static', adapter: 'average', CR: 0.4, IR: 0.44 },
] as const;

export function syntheticPredictions(repositories = 12, tasksEach = 80): Prediction[] {
  let state = 7;
  const uniform = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  return ROWS.flatMap((row) => (['CR', 'IR'] as const).flatMap((suite) =>
    Array.from({ length: repositories }, (_, r) => {
      const rate = row[suite] + 0.12 * (uniform() - 0.5);
      return Array.from({ length: tasksEach }, (_, t): Prediction => {
        const strictEM = uniform() < rate;
        const relaxedEM = strictEM || uniform() < 0.05;
        return {
          taskId: `synthetic-${suite}-${r}:test_${t}.py:0:4`,
          repo: `synthetic-${suite}-${String(r).padStart(2, '0')}`,
          suite,
          method: row.method,
          adapter: row.adapter,
          seed: 3407,
          target: 'True',
          prediction: strictEM ? 'True' : 'False',
          strictEM,
          relaxedEM,
          editSimilarity: relaxedEM ? 1 : 0.2 + 0.5 * uniform(),
        };
      });
    }).flat()));
}
