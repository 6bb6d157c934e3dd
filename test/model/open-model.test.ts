/** Models by path and from a stand-in for the hub. Nothing here needs a network. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { openModelFolder } from '../../lib/dist/model/open-model.js';
import { sha256 } from '../../lib/dist/store/hash.js';
import { fetchHubFile, hubRepo } from '../../lib/dist/store/hub.js';
import { silent } from '../../lib/dist/store/progress.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { bytesOf, fails, StandInHub } from '../stand-in-hub.js';

const name = 'maker/Coder-0.1B', commit = 'fedcba9876543210fedcba9876543210fedcba98';
const hub = new StandInHub('model', name, commit), { says, served } = hub;
const temporary = mkdtempSync(join(tmpdir(), 'open-model-'));
const cache = () => mkdtempSync(join(temporary, 'cache-'));
const folderIn = (cacheDir: string) => join(cacheDir, 'hub/models--maker--Coder-0.1B', commit);
const inFolder = (path: string) => readdirSync(path).filter((file) => file !== 'hub-files.json').sort();

/** The sharded model of the fixtures with a tokenizer, as files of a folder. */
const fixture = 'test/fixtures/model/qwen2-shards', tokenizerJson = 'test/fixtures/hub-tokenizer/coder/tokenizer.json';
const modelNames = readdirSync(fixture).filter((file) => file !== 'expected.safetensors');
const shardNames = modelNames.filter((file) => /-of-/.test(file)).sort();
const small = (): Map<string, Buffer> => new Map([
  ...modelNames.map((file) => [file, readFileSync(join(fixture, file))] as const), ['tokenizer.json', readFileSync(tokenizerJson)],
]);
/** Shards large enough to break off in. */
const FIRST = 'model-00001-of-00002.safetensors', SECOND = 'model-00002-of-00002.safetensors';
const large: ReadonlyMap<string, Buffer> = new Map([
  ['config.json', readFileSync(join(fixture, 'config.json'))], ['tokenizer.json', Buffer.from('{"a":1}')],
  ['model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: { a: FIRST, b: SECOND, c: FIRST } }))],
  [FIRST, bytesOf(3, 1_500_000)], [SECOND, bytesOf(5, 3_000_000)],
]);

before(() => hub.start());
beforeEach(() => {
  hub.reset();
  hub.files = new Map(large);
});
after(() => {
  hub.stop();
  rmSync(temporary, { recursive: true });
});

test('a model of the hub is opened at the commit that main is: only what is read of it, and without the hub once it is here', async () => {
  hub.files = small();
  hub.files.set('tokenizer_config.json', Buffer.alloc(0));
  for (const other of ['README.md', 'pytorch_model.bin', 'onnx/model.safetensors', 'optimizer.pt']) hub.files.set(other, bytesOf(3, 99));
  const cacheDir = cache(), notes: string[] = [];
  const folder = await openModelFolder(name, cacheDir, ({ note }) => notes.push(note!));
  assert.equal(folder, folderIn(cacheDir));
  assert.deepEqual(inFolder(folder), [...modelNames, 'tokenizer.json', 'tokenizer_config.json'].sort());
  assert.equal(statSync(join(folder, 'tokenizer_config.json')).size, 0);
  assert.match(notes.at(-1)!, /4 other files left out/);
  const here = loadModel(fixture), there = loadModel(folder);
  assert.deepEqual(there.config, here.config);
  assert.deepEqual(there.finalNorm.dataSync(), here.finalNorm.dataSync());
  assert.deepEqual(loadTokenizer(folder).encode('assert x'), loadTokenizer('test/fixtures/hub-tokenizer/coder').encode('assert x'));

  hub.requests = 0;
  for (const id of [name, `${name}@main`, `${name}@${commit}`]) assert.equal(await openModelFolder(id, cacheDir, silent), folder);
  assert.equal(hub.requests, 0);
});

test('a commit is opened without asking what it stands for; a branch stays the commit it was', async () => {
  const cacheDir = cache();
  assert.equal(await openModelFolder(`${name}@${commit}`, cacheDir, silent), folderIn(cacheDir));
  assert.deepEqual(readdirSync(join(cacheDir, 'hub/models--maker--Coder-0.1B')), [commit]);
  await openModelFolder(name, cacheDir, silent);
  assert.equal(readFileSync(join(cacheDir, 'hub/models--maker--Coder-0.1B/commit-of/main'), 'utf8'), commit);
});

test('two that want the same model fetch it once', async () => {
  hub.files = small();
  const cacheDir = cache(), stages = new Set<string>();
  const folders = await Promise.all([1, 2].map(() => openModelFolder(`${name}@${commit}`, cacheDir, ({ stage }) => stages.add(stage))));
  assert.deepEqual(folders, [folderIn(cacheDir), folderIn(cacheDir)]);
  for (const file of shardNames) assert.equal(served.get(file), hub.files.get(file)!.length, file);
  assert.deepEqual(inFolder(folders[0]!), [...modelNames, 'tokenizer.json'].sort());
  assert.ok([...stages].some((stage) => /waiting for process/.test(stage)));
});

test('a shard that breaks off is gone on with: no byte of any shard is sent twice', async () => {
  const cacheDir = cache();
  hub.breakAfter = 1_600_000;
  await fails(openModelFolder(name, cacheDir, silent), /model-00002-of-00002\.safetensors broke off after 1600000 of 3000000 bytes: run the same command again/);
  assert.ok(!inFolder(folderIn(cacheDir)).includes(SECOND));
  hub.breakAfter = Infinity;
  const folder = await openModelFolder(name, cacheDir, silent);
  for (const [file, bytes] of hub.files) {
    assert.equal(served.get(file), bytes.length, file);
    assert.deepEqual(readFileSync(join(folder, file)), bytes);
  }
  assert.deepEqual(inFolder(folder), [...hub.files.keys()].sort());
});

test('content that is not what the hub lists is not kept: by SHA-256, and by the SHA-1 of git where the hub lists that', async () => {
  const cacheDir = cache();
  says.set(SECOND, sha256('another'));
  await fails(openModelFolder(name, cacheDir, silent), /model-00002-of-00002\.safetensors of maker\/Coder-0\.1B is not what the hub lists \(SHA-256\)/);
  assert.ok(inFolder(folderIn(cacheDir)).every((file) => !file.startsWith(SECOND)));

  says.clear();
  // The stand-in computes what git does; here git itself says.
  says.set('tokenizer.json', execFileSync('git', ['hash-object', '--stdin'], { input: '{"a":1}', encoding: 'utf8' }).trim());
  await openModelFolder(name, cache(), silent);
  says.set('tokenizer.json', '0'.repeat(40));
  await fails(openModelFolder(name, cache(), silent), /tokenizer\.json of .* is not what the hub lists \(SHA-1\)/);
});

test('what a repository lacks is named before any weight is fetched', async () => {
  const without = async (lacking: string[], more: string[], pattern: RegExp) => {
    hub.files = new Map(large);
    for (const file of lacking) hub.files.delete(file);
    for (const file of more) hub.files.set(file, bytesOf(3, 99));
    await fails(openModelFolder(name, cache(), silent), pattern);
  };
  const weights = [...large.keys()].filter((file) => file.startsWith('model'));
  await without([SECOND], [], /^maker\/Coder-0\.1B at fedcba\w+ lacks model-00002-of-00002\.safetensors: /);
  await without(['config.json', 'tokenizer.json'], [], /lacks config\.json, tokenizer\.json: /);
  await without(weights, [], /lacks model\.safetensors: a model is config\.json, tokenizer\.json and model\.safetensors/);
  await without(weights.slice(1), [], /lacks model-00001-of-00002\.safetensors, model-00002-of-00002\.safetensors: /);
  await without([...weights, 'config.json', 'tokenizer.json'], ['coder-q4.gguf'], /GGUF: give that file itself/);
  await without(weights, ['pytorch_model-00001-of-00002.bin'], /pytorch_model\.bin, which is not read here/);
  assert.deepEqual([...served.keys()].filter((path) => !['config.json', 'model.safetensors.index.json'].includes(path)), []);
});

test('the index says what the shards are called, whatever other files there are', async () => {
  const names = shardNames.map((_, i) => `weights-${i}.safetensors`);
  hub.files = small();
  for (const [i, shard] of shardNames.entries()) {
    hub.files.set(names[i]!, hub.files.get(shard)!);
    hub.files.delete(shard);
  }
  const index = JSON.parse(String(hub.files.get('model.safetensors.index.json'))) as { weight_map: Record<string, string> };
  for (const [tensor, shard] of Object.entries(index.weight_map)) index.weight_map[tensor] = names[shardNames.indexOf(shard)]!;
  hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
  hub.files.set('model-00001-of-00005.safetensors', bytesOf(3, 99));
  const folder = await openModelFolder(name, cache(), silent);
  assert.deepEqual(inFolder(folder).filter((file) => file.endsWith('.safetensors')), names);
  assert.deepEqual(loadModel(folder).finalNorm.dataSync(), loadModel(fixture).finalNorm.dataSync());
});

test('a quantised model is told by what made it, before its weights are fetched', async () => {
  for (const [settings, method] of [[{ quant_method: 'gptq', bits: 4 }, 'gptq'], [{ quant_method: 'fp8' }, 'fp8'], [{ load_in_4bit: true }, 'bitsandbytes']] as const) {
    hub.files = new Map(large);
    hub.files.set('config.json', Buffer.from(JSON.stringify({ ...JSON.parse(String(large.get('config.json'))) as object, quantization_config: settings })));
    await fails(openModelFolder(name, cache(), silent), new RegExp(`the model is quantised as ${method}, which is not read here: take the model that it was made from, or a GGUF file of it\\.$`));
  }
  assert.deepEqual([...served.keys()].filter((path) => path.startsWith('model-')), []);
});

test('a folder that exists is used as it is, and what it lacks is named', async () => {
  const folder = join(temporary, 'maker/local');
  mkdirSync(folder, { recursive: true });
  await fails(openModelFolder(folder, cache(), silent), /maker\/local lacks config\.json, tokenizer\.json, model\.safetensors: /);
  for (const file of modelNames) cpSync(join(fixture, file), join(folder, file));
  await fails(openModelFolder(folder, cache(), silent), /maker\/local lacks tokenizer\.json: /);
  cpSync(tokenizerJson, join(folder, 'tokenizer.json'));
  assert.equal(await openModelFolder(folder, cache(), silent), folder);
  rmSync(join(folder, shardNames[1]!));
  await fails(openModelFolder(folder, cache(), silent), new RegExp(`maker/local lacks ${shardNames[1]}: `));
  writeFileSync(join(temporary, 'coder.bin'), '');
  await fails(openModelFolder(join(temporary, 'coder.bin'), cache(), silent), /coder\.bin is a file: give a GGUF file, or the folder/);
  assert.equal(hub.requests, 0);
});

test('what is neither a folder nor on the hub is said in one line', async () => {
  await fails(openModelFolder('models/absent', cache(), silent), /no folder models\/absent here, and on the hub: http.* has no model models\/absent with a revision main/);
  await fails(openModelFolder(`${name}@v9`, cache(), silent), /has no model maker\/Coder-0\.1B with a revision v9/);
  await fails(openModelFolder(`${name}@${'0'.repeat(40)}`, cache(), silent), /has no model maker\/Coder-0\.1B with a revision 0000/);
  for (const id of ['./absent', '/tmp/absent/model', 'absent', `${name}@..`, `${name}@a/b`, '../a', '']) {
    await fails(openModelFolder(id, cache(), silent), /is not a model of the hub: give owner\/name or owner\/name@revision/);
  }
  hub.status = 503;
  await fails(openModelFolder(name, cache(), silent), /HTTP 503.*try again/);
});

test('a checkpoint is fetched alone, by its path', async () => {
  hub.files.set('heads/static.pt', bytesOf(7, 5000)).set('heads/evo.pt', bytesOf(9, 50));
  const cacheDir = cache(), path = await fetchHubFile(hubRepo('model', name), 'heads/static.pt', cacheDir, silent);
  assert.equal(path, join(folderIn(cacheDir), 'heads/static.pt'));
  assert.deepEqual(readFileSync(path), hub.files.get('heads/static.pt'));
  assert.deepEqual([...served], [['heads/static.pt', 5000]]);
  await fails(fetchHubFile(hubRepo('model', name), 'static.pt', cacheDir, silent), /has no static\.pt: give one of heads\/static\.pt, heads\/evo\.pt\.$/);
});
