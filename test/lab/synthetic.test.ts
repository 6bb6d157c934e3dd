/**
 * Can a method read a repository at all? On the synthetic benchmark the answers are known, and so is the best score of a
 * method that gives every repository the same adapter (the ceiling). Reading methods must pass it on unseen repositories,
 * others cannot; and one that follows commits must know of a convention that changed.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const output = resolve('test/output/synthetic');
process.env['CODE2LORA_OUTPUT'] = output;
rmSync(output, { recursive: true, force: true });
const { openWorkspace } = await import('../../lib/dist/lab/workspace.js');
const { ceiling } = await import('../../lib/dist/data/sources/synthetic/ceiling.js');
const { syntheticHistories } = await import('../../lib/dist/data/sources/synthetic/synthetic.js');
const { pairedInterval } = await import('../../lib/dist/eval/interval.js');
const { perToken, scored } = await import('../../lib/dist/report/own-vs-other.js');
const { kindOf } = await import('../../lib/dist/data/sources/synthetic/questions.js');
type Prediction = import('../../lib/dist/eval/types.js').Prediction;
type Likelihood = import('../../lib/dist/eval/types.js').Likelihood;

const lab = openWorkspace({ profile: 'synthetic' });
const percent = (rows: Prediction[]) => (100 * rows.filter((r) => r.strictEM).length) / rows.length;

/** So few steps are enough; Evo needs more, since it has a recurrent network to learn, and those that cannot read need fewer. */
const learning = { steps: 100 }, few = { steps: 60 };
const swept = lab.sweep([
  // The longest first: two processes then end at about the same time.
  { name: 'Evo on histories', method: 'code2lora-evo', track: 'evolution', learning: { steps: 250 } },
  { name: 'Static', method: 'code2lora-static', learning },
  { name: 'Static, hardly trained', method: 'code2lora-static', learning: { steps: 40 } },
  { name: 'single LoRA', method: 'single-lora', learning: few },
  { name: 'FFT', method: 'full-fine-tuning', learning: few },
], { workers: 2 });
const rowsOf = async (name: string, adapter: Prediction['adapter']) =>
  (await swept).find((run) => run.name === name)!.predictions.filter((r) => r.suite === 'CR' && r.adapter === adapter);

test('static track: reading passes the ceiling by 20 points, not reading stays below it', async () => {
  const { tasks } = await lab.corpus();
  const limit = 100 * ceiling(tasks.filter((t) => t.split === 'cr_test')).withoutRepository;
  const own = percent(await rowsOf('Static', 'own'));
  assert.ok(own >= limit + 20, `own adapter ${own.toFixed(1)}, ceiling ${limit.toFixed(1)}`);
  for (const control of ['other', 'average', 'empty', 'random'] as const) {
    const score = percent(await rowsOf('Static', control));
    assert.ok(score <= own - 20, `${control} ${score.toFixed(1)}, own adapter ${own.toFixed(1)}`);
  }
  for (const [name, adapter] of [['single LoRA', 'own'], ['FFT', 'none']] as const) {
    const score = percent(await rowsOf(name, adapter));
    assert.ok(score <= limit, `${name} ${score.toFixed(1)}, ceiling ${limit.toFixed(1)}`);
    assert.ok(score > limit / 2, `${name} learnt to answer: ${score.toFixed(1)}`);
  }
});

test('a small effect: the likelihood of a fifth of the tasks tells own from other, which exact match needs all of them for', async () => {
  const { predictions, likelihoods } = (await swept).find(({ name }) => name === 'Static, hardly trained')!;
  const places = new Map([...new Set(predictions.filter(({ suite }) => suite === 'CR').map(({ taskId }) => taskId))].sort().map((id, i) => [id, i]));
  const some = <Row extends Likelihood | Prediction>(rows: readonly Row[], adapter: Prediction['adapter'], fifth?: number) =>
    rows.filter((r) => r.suite === 'CR' && r.adapter === adapter && (fifth === undefined || places.get(r.taskId)! % 5 === fifth));
  const byMatch = (fifth?: number) => pairedInterval(some(predictions, 'own', fifth).map(scored), some(predictions, 'other', fifth).map(scored)).low > 0;
  const byNats = (fifth?: number) => pairedInterval(some(likelihoods, 'other', fifth).map(perToken), some(likelihoods, 'own', fifth).map(perToken)).low > 0;
  const fifths = [0, 1, 2, 3, 4], counts = { nats: fifths.filter(byNats).length, match: fifths.filter(byMatch).length };
  assert.ok(byMatch() && byNats(), 'with all tasks both rulers see it');
  assert.ok(counts.nats >= 4 && counts.match <= 3, `of five fifths the likelihood sees it in ${counts.nats}, exact match in ${counts.match}`);
});

test('evolution track: Evo passes the ceiling by 20 points, and knows of changed conventions what a kept first snapshot cannot', async () => {
  const tasks: import('../../lib/dist/data/types.js').Task[] = [];
  for await (const task of (await lab.evolution()).tasks()) tasks.push(task);
  const limit = 100 * ceiling(tasks.filter((t) => t.split === 'cr_test')).withoutRepository;
  const evo = await rowsOf('Evo on histories', 'own');
  assert.ok(percent(evo) >= limit + 20, `own adapter ${percent(evo).toFixed(1)}, ceiling ${limit.toFixed(1)}`);

  // Tasks about a convention that is no longer what it was at the repository's first commit.
  const { synthetic } = lab.profile.corpus as { synthetic: { repositories: number; seed: number } };
  const histories = new Map(syntheticHistories(synthetic.repositories, synthetic.seed).map((h) => [h.id, h.revisions]));
  const byId = new Map(tasks.map((t) => [t.id, t]));
  const changed = (p: Prediction) => {
    const revisions = histories.get(p.repo)!, kind = kindOf(byId.get(p.taskId)!)!;
    return revisions[p.commitIndex]!.conventions[kind] !== revisions[0]!.conventions[kind];
  };
  const kept = await rowsOf('Evo on histories', 'first');
  const [follows, stays] = [percent(evo.filter(changed)), percent(kept.filter(changed))];
  assert.ok(evo.filter(changed).length >= 50, 'enough tasks follow a change');
  assert.ok(follows >= stays + 10, `Evo ${follows.toFixed(1)}, first snapshot kept ${stays.toFixed(1)}`);
});
