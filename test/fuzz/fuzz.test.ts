/**
 * Readers of what comes from outside, given damaged inputs: each is read or refused in one line, within seconds and a bound of
 * memory. A few here; `npm test -- fuzz` takes 10,000 of each. Python source: test/data/fuzz.test.ts, always 10,000.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const full = Boolean(process.env['CODE2LORA_LONG_TESTS']);
/** An input, and memory beside what Node and the libraries take. */
const MOST_SECONDS = 5, MOST_MEGABYTES = 1000;

for (const format of ['parquet', 'safetensors', 'pt', 'gguf', 'gguf-tokenizer', 'tokenizer.json', 'config.json', 'wheel', 'sdist', 'corpus', 'pack']) {
  // For each pack git is started several times.
  const count = full ? 10_000 : format === 'pack' ? 10 : 200;
  test(`${count} damaged inputs: ${format}`, { timeout: full ? 7_200_000 : 120_000 }, async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const child = spawn(process.execPath, ['test/dist/fuzz/reader.js', format, String(count), String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.signal.addEventListener('abort', () => child.kill('SIGKILL'));
    let out = '', errors = '';
    child.stdout.on('data', (d: Buffer) => { out += d.toString(); });
    child.stderr.on('data', (d: Buffer) => { errors = (errors + d.toString()).slice(-3000); });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.equal(code, 0, `${signal ?? ''} ${errors}, seed ${seed}`);
    const { read, refused, slowest, megabytes } = JSON.parse(out.trim().split('\n').at(-1)!) as Record<'read' | 'refused' | 'slowest' | 'megabytes', number>;
    assert.ok(refused > count / 10, `only ${refused} of ${count} were refused`);
    assert.ok(slowest < MOST_SECONDS, `${slowest} s for one input, seed ${seed}`);
    assert.ok(megabytes < MOST_MEGABYTES, `${megabytes} MB, seed ${seed}`);
    t.diagnostic(`${format}: ${count} inputs, ${refused} refused in one line, ${read} read; slowest ${slowest.toFixed(2)} s, at most ${Math.round(megabytes)} MB`);
  });
}
