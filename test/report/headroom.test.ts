/** Headroom and the share of it that is captured, from likelihoods whose answer is known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headroomOf, headroomRows, headroomTable, type Likelihood, type Prediction, type Run, toMarkdown } from 'code2lora';

const REPOS = 12, TASKS = 10;
/** Nats a token of each: headroom gains 0.1 over single LoRA, Static's own adapter a quarter of it over the average, and source text nothing. */
const NATS: Record<string, number> = { 'single-lora/own': 1, 'headroom-tests/own': 0.9, 'headroom-source/own': 1, 'code2lora-static/own': 0.95, 'code2lora-static/average': 0.975 };

function rows(of: (key: string, repo: number, task: number) => number | undefined): Likelihood[] {
  return Object.keys(NATS).flatMap((key) => Array.from({ length: REPOS }, (_, r) => Array.from({ length: TASKS }, (_, t): Likelihood[] => {
    const nats = of(key, r, t), [method, adapter] = key.split('/') as [string, Likelihood['adapter']];
    const targetTokens = 1 + ((r + t) % 4);
    return nats === undefined ? [] : [{
      taskId: `r${r}:${t}`, repo: `r${r}`, track: 'static', suite: 'CR', commitIndex: 0, method, adapter, seed: 3407, targetTokens, targetNats: nats * targetTokens, eosNats: 0,
    }];
  }).flat()).flat());
}
/** Half of the tasks are not asked of headroom: its own files. There the others are far off, which must not count. */
const asked = (key: string, task: number): boolean => !key.startsWith('headroom') || task % 2 === 0;
const likelihoods = rows((key, r, t) => (asked(key, t) ? NATS[key]! + 0.001 * ((7 * r) % 5) + (t % 2 ? (key.includes('average') ? 5 : 0) : 0) : undefined));

test('gains and shares, on the tasks that headroom was asked', () => {
  const found = headroomRows([], likelihoods);
  const of = (method: string) => found.find((row) => row.method === method)!;
  assert.deepEqual(found.map(({ method }) => method), ['headroom-tests', 'headroom-source', 'code2lora-static']);
  assert.ok(Math.abs(of('headroom-tests').nats.difference.mean - 0.1) < 1e-9);
  assert.equal(of('headroom-tests').nats.gaining, REPOS);
  assert.equal(of('headroom-tests').nats.difference.tasks, (REPOS * TASKS) / 2);
  assert.ok(Math.abs(of('headroom-source').nats.difference.mean) < 1e-9);
  assert.ok(Math.abs(of('code2lora-static').share!.mean - 0.25) < 1e-9);
  assert.match(toMarkdown(headroomTable(found)), /Code2LoRA-Static, own over average \| \+0\.0250 .*\| 25\.0 \[25\.0, 25\.0\] \|/);
});

test('no share of a headroom that cannot be told from zero; no rows without headroom runs', () => {
  const noisy = rows((key, r, t) => (asked(key, t) ? NATS[key]! + (key === 'headroom-tests/own' ? 0.1 + 0.5 * Math.sin(7 * r + t) : 0) : undefined));
  assert.equal(headroomRows([], noisy).find(({ method }) => method === 'code2lora-static')!.share, undefined);
  assert.deepEqual(headroomRows([] as Prediction[], likelihoods.filter(({ method }) => !method.startsWith('headroom'))), []);
});

test('repository by repository, those with the most to win first', () => {
  const { byRepository } = headroomOf([{ predictions: [], likelihoods: rows((key, r, t) => (asked(key, t) ? NATS[key]! - (key === 'headroom-tests/own' ? 0.01 * r : 0) : undefined)) } as unknown as Run]);
  assert.deepEqual(byRepository.map(({ repo }) => repo), Array.from({ length: REPOS }, (_, r) => `r${REPOS - 1 - r}`));
  for (const [i, { tasks, tests, source, written }] of byRepository.entries()) {
    assert.equal(tasks, TASKS / 2);
    for (const [found, made] of [[tests, 0.1 + 0.01 * (REPOS - 1 - i)], [source, 0], [written, 0.025]] as const) assert.ok(Math.abs(found! - made) < 1e-9);
  }
  assert.deepEqual(headroomOf([{ predictions: [], likelihoods: rows((key) => (key.startsWith('headroom') ? undefined : NATS[key])) } as unknown as Run]), { rows: [], byRepository: [] });
});
