import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const code2lora = (...args: string[]) => spawnSync(process.execPath, ['lib/bin/code2lora.js', ...args], { encoding: 'utf8' });

test('help lists the commands', () => {
  const { status, stdout } = code2lora('--help');
  assert.equal(status, 0);
  assert.match(stdout, /doctor {2,}\S/);
});

test('each command that help lists says how it is used', async () => {
  const names = [...code2lora('--help').stdout.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name]) => name!);
  assert.ok(names.length > 5, `${names}`);
  for (const name of names) {
    const { USAGE } = await import(`../../lib/dist/cli/${name}.js`) as { USAGE: string };
    assert.ok(USAGE.startsWith(`Usage: npx code2lora ${name} `), USAGE);
  }
  const { status, stdout } = code2lora('doctor', '--help');
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: npx code2lora doctor /);
});

test('an unknown command or option is one line and exit code 1', () => {
  for (const args of [['nonsense'], ['doctor', '--nonsense']]) {
    const { status, stderr } = code2lora(...args);
    assert.equal(status, 1);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.match(stderr, /nonsense/);
  }
});

test('doctor names every piece, and the device that computes', () => {
  const { status, stdout } = code2lora('doctor');
  assert.equal(status, 0, stdout);
  for (const name of ['Node', 'npm', 'Python', 'TensorFlow', 'tfjs', 'Engine', 'JupyterLab', 'tslab', 'Chromium', 'Memory', 'Disk']) {
    assert.match(stdout, new RegExp(`^${name} .+`, 'm'));
  }
  assert.match(stdout, /^Engine +(cpu|gpu) \(/m);
});
