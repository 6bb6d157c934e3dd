/**
 * Can a method read a repository at all? On the synthetic benchmark the answers are known, and so is the best score of a
 * method that gives every repository the same adapter (the ceiling). Reading methods must pass it on unseen repositories,
 * others cannot; and one that follows commits must know of a convention that changed.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { before, test } from 'node:test';

const output = resolve('test/output/synthetic');
process.env['CODE2LORA_OUTPUT'] = output;
before(() => { rmSync(output, { recursive: true, force: true }); });
const { openWorkspace } = await import('../../lib/dist/lab/workspace.js');
const { ceiling } = await import('../../lib/dist/data/sources/synthetic/ceiling.js');
const { syntheticHistories } = await import('../../lib/dist/data/sources/synthetic/synthetic.js');
const { kindOf } = await import('../../lib/dist/data/sources/synthetic/questions.js');
type Prediction = import('../../lib/dist/eval/types.js').Prediction;

const lab = openWorkspace({ profile: 'synthetic' });
const percent = (rows: Prediction[]) => (100 * rows.filter((r) => r.strictEM).length) / rows.length;
const of = (rows: Prediction[], adapter: Prediction['adapter']) => rows.filter((r) => r.suite === 'CR' && r.adapter === adapter);

test('static track: reading passes the ceiling by 20 points, not reading stays below it', async () => {
  const { tasks } = await lab.corpus();
  const limit = 100 * ceiling(tasks.filter((t) => t.split === 'cr_test')).withoutRepository;
  const reading = await lab.run('code2lora-static');
  const own = percent(of(reading.predictions, 'own'));
  assert.ok(own >= limit + 20, `own adapter ${own.toFixed(1)}, ceiling ${limit.toFixed(1)}`);
  for (const control of ['other', 'average', 'empty', 'random'] as const) {
    assert.ok(percent(of(reading.predictions, control)) <= own - 15, `${control} ${percent(of(reading.predictions, control))}`);
  }
  for (const [name, adapter] of [['single-lora', 'own'], ['full-fine-tuning', 'none']] as const) {
    // No number of steps takes them past the ceiling; so many teach them to answer.
    const { predictions } = await lab.run(name, { learning: { steps: 120 } });
    const score = percent(of(predictions, adapter));
    assert.ok(score <= limit, `${name} ${score.toFixed(1)}, ceiling ${limit.toFixed(1)}`);
    assert.ok(score > limit / 2, `${name} learnt to answer: ${score.toFixed(1)}`);
  }
});

const skip = process.env['CODE2LORA_LONG_TESTS'] ? false : 'takes a quarter of an hour: CODE2LORA_LONG_TESTS=1 runs it';

test('evolution track: Evo passes the ceiling, and knows of changed conventions what a kept first snapshot cannot', { skip, todo: 'Evo is above the ceiling, not yet by 20 points' }, async () => {
  const tasks: import('../../lib/dist/data/types.js').Task[] = [];
  for await (const task of (await lab.evolution()).tasks()) tasks.push(task);
  const limit = 100 * ceiling(tasks.filter((t) => t.split === 'cr_test')).withoutRepository;
  const evo = of((await lab.run('code2lora-evo', { track: 'evolution' })).predictions, 'own');
  assert.ok(percent(evo) >= limit + 20, `own adapter ${percent(evo).toFixed(1)}, ceiling ${limit.toFixed(1)}`);

  // Tasks about a convention that is no longer what it was at the repository's first commit.
  const { synthetic } = lab.profile.corpus as { synthetic: { repositories: number; seed: number } };
  const histories = new Map(syntheticHistories(synthetic.repositories, synthetic.seed).map((h) => [h.id, h.revisions]));
  const byId = new Map(tasks.map((t) => [t.id, t]));
  const changed = (p: Prediction) => {
    const revisions = histories.get(p.repo)!, kind = kindOf(byId.get(p.taskId)!)!;
    return revisions[p.commitIndex]!.conventions[kind] !== revisions[0]!.conventions[kind];
  };
  const kept = of((await lab.run('code2lora-static', { track: 'evolution' })).predictions, 'first');
  const [follows, stays] = [percent(evo.filter(changed)), percent(kept.filter(changed))];
  assert.ok(evo.filter(changed).length >= 50, 'enough tasks follow a change');
  assert.ok(follows >= stays + 10, `Evo ${follows.toFixed(1)}, first snapshot kept ${stays.toFixed(1)}`);
});
