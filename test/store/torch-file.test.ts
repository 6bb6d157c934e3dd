/**
 * Checkpoints of real torch.save hold what torch says they hold, and files made to do harm are refused in one line:
 * a command that any of them gets to run would leave a file, as it does when Python reads the same pickle.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../lib/dist/store/errors.js';
import { Random } from '../../lib/dist/store/random.js';
import { readSafetensors, writeSafetensors, type NamedArray } from '../../lib/dist/store/safetensors.js';
import { TorchTensor } from '../../lib/dist/store/torch-file/tensor.js';
import { type Json, jsonOf, readTorchFile, tensorsOf, type TorchValue } from '../../lib/dist/store/torch-file/torch-file.js';

const fixtures = 'test/fixtures/torch-file';
const folder = mkdtempSync(join(tmpdir(), 'torch-file-'));
after(() => { rmSync(folder, { recursive: true }); });
const canary = 'torch-file-canary';

const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<string, unknown>;
const dtypes: Record<string, string> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F64: 'float64', I32: 'int32', I64: 'int64' };

/** As make.py describes what it saved. */
function described(value: TorchValue): unknown {
  if (value instanceof TorchTensor) {
    const { shape, data } = value.read();
    const bits = [...new Int32Array(data.buffer, data.byteOffset, data.length)];
    return { shape, dtype: dtypes[value.dtype], ...(data instanceof Int32Array ? { integers: bits } : { bits }) };
  }
  if (Array.isArray(value)) return value.map(described);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, described(item)]));
  return typeof value === 'bigint' ? String(value) : value;
}

for (const [file, name] of [['direct', 'direct'], ['gru', 'gru'], ['kinds', 'kinds'], ['kinds-4', 'kinds']] as const) {
  test(`${file}.pt holds what torch says, bit for bit`, () => {
    assert.deepEqual(described(readTorchFile(join(fixtures, `${file}.pt`))), expected[name]);
  });
}

test('the parts of the two published layouts are at hand', () => {
  const direct = readTorchFile(join(fixtures, 'direct.pt')), gru = readTorchFile(join(fixtures, 'gru.pt'));
  assert.deepEqual(tensorsOf(direct, ['state_dict']).get('heads_A.gate.weight')?.shape, [8, 8]);
  assert.deepEqual(tensorsOf(gru, ['gru_state']).get('gru.weight_ih_l0')?.shape, [18, 6]);
  assert.deepEqual(jsonOf(direct, ['config']), (expected['direct'] as { config: unknown }).config);
  assert.deepEqual(jsonOf(gru, ['head_config', 'type_dims']), { down: [10, 4], gate: [4, 10], k: [4, 2], q: [4, 4] });
  assert.equal(jsonOf(gru, ['per_step_input']), 'diff');
  for (const [read, message] of [
    [() => tensorsOf(direct, ['gru_state']), /has no gru_state, there is: "state_dict", "config", "args"\./],
    [() => tensorsOf(direct, ['config']), /config has "input_dim", which is not a tensor/],
    [() => tensorsOf(direct, ['config', 'rank']), /config\.rank is not a dict/],
  ] as const) assert.throws(read, { name: 'UserError', message });
});

test('what training scripts put beside the weights is carried along, and refused where it is used', () => {
  for (const protocol of [2, 4, 5]) {
    const value = readTorchFile(join(fixtures, `args-${protocol}.pt`));
    assert.deepEqual([...tensorsOf(value, ['state_dict']).get('w')!.read().data], [1, 2, 3, 4]);
    const { bytes, ...args } = jsonOf(value, ['args']) as Record<string, Json>;
    // Protocol 2 has no bytes: it writes how to encode a text.
    assert.ok(bytes === '(2 bytes)' || (protocol === 2 && bytes === '(_codecs.encode)'), String(bytes));
    const bytearray = args['bytearray'];
    assert.ok(bytearray === '(builtins.bytearray)' || bytearray === '(__builtin__.bytearray)' || bytearray === '(2 bytes)', String(bytearray));
    const numpy = (name: string) => `(numpy._core.${name})`;
    assert.deepEqual({ ...args, bytearray: null, complex: String(args['complex']).replace('__builtin__', 'builtins'), rng_state: null }, {
      lora_alpha: 6, dtype: '(torch.bfloat16)', device: '(torch.device)', size: [1, 2],
      'numpy float': numpy('multiarray.scalar'), 'numpy int': numpy('multiarray.scalar'), 'numpy array': numpy(protocol === 5 ? 'numeric._frombuffer' : 'multiarray._reconstruct'),
      set: ['q_proj'], frozen: [1], 'tuple key': { '(1, 2)': 3 }, 'none key': { null: 1 }, 'bool key': { true: 1 }, bytearray: null,
      default: { a: 1 }, counter: { a: 2, b: 1 }, deque: [1, 2], complex: '(builtins.complex)', big: String(2n ** 70n), namespace: { rank: 2 }, tensor: '(a tensor [2])',
      mask: '(a tensor of torch.BoolStorage)', rng_state: null, infinite: Number.POSITIVE_INFINITY,
    });
    assert.throws(() => tensorsOf(value, ['args']), /args has "lora_alpha", which is not a tensor/);
    assert.throws(() => tensorsOf(new Map([['mask', (value as Map<string, Map<string, never>>).get('args')!.get('mask')!]]), []), /has "mask", which is a tensor of torch\.BoolStorage, and not read here/);
  }
});

test('saved again as safetensors, the values are the same', () => {
  const tensors = new Map<string, NamedArray>();
  for (const [name, tensor] of tensorsOf(readTorchFile(join(fixtures, 'kinds.pt')), [])) tensors.set(name, tensor.read());
  const path = join(folder, 'again.safetensors');
  writeSafetensors(path, tensors);
  assert.deepEqual(readSafetensors(path).tensors, tensors);
});

const hostile: Record<string, RegExp> = {
  'reduce': /the pickle asks for os\.system, which a checkpoint has no need of; nothing was executed\./,
  'reduce-saved': /the pickle asks for posix\.system, which/,
  'stack-global': /asks for builtins\.eval, which/,
  'inst': /asks for os\.system, which/,
  'obj': /asks for os\.system, which/,
  'setstate': /asks for os\.system, which/,
  'getattr': /asks for builtins\.getattr, which/,
  'hooks': /asks for os\.system, which/,
  'newobj': /asks for subprocess\.Popen, which/,
  'rebuild-from-type': /asks for torch\._tensor\._rebuild_from_type_v2, which/,
  'torch-load': /asks for torch\.load, which/,
  'inst-known': /calls by INST, which torch\.save never writes/,
  'obj-known': /has the opcode 0x6f at byte \d+, which torch\.save never writes/,
  'text-state': /sets the state of a value that has none/,
  'two-lines': /asks for os\?\?\[31m\.system\?, which/,
  'class-as-value': /holds a class or a storage as a value/,
  'storage-as-value': /holds a class or a storage as a value/,
  'protocol-0': /is of a protocol older than 2/,
  'deep': /holds values more than 100 deep/,
  'loop': /holds values more than 100 deep/,
  'outside-key': /has a storage that torch\.save never writes/,
  'missing-key': /has a storage 7 that the file does not hold/,
  'storage-count': /has a storage 0 of 1000 values, where the file holds 16 bytes/,
  'shape': /has a tensor \[1000,8\] that does not fit its storage 0 of 4 values/,
  'offset': /has a tensor \[4\] that does not fit/,
  'negative-offset': /shape is not of whole numbers/,
  'strides': /has a tensor \[2,2\] that does not fit/,
  'negative-stride': /shape is not of whole numbers/,
  'zero-stride': /has a tensor \[1099511627776\] that does not fit/,
  'fraction': /shape is not of whole numbers/,
  'not-a-number': /that does not fit its storage/,
  'compressed': /"x\/data\.pkl" is compressed, which torch\.save never does/,
  'duplicate': /it has "x\/data\/0" twice/,
  'overlapping': /"x\/data\/2" overlaps another entry/,
  'two-sizes': /"x\/version" has two sizes, 2 and 3 bytes/,
  'two-stored-sizes': /"x\/version" has two sizes, 3 and 2 bytes/,
  'shorter': /"x\/version" has two sizes, 2 and 1 bytes/,
  'beyond': /"x\/version" lies outside the file/,
  'big-endian': /was saved on a big-endian machine/,
  'no-pickle': /not one that torch\.save wrote, with 0 data\.pkl/,
  'not-a-zip': /is not a checkpoint that torch\.save wrote/,
};

/** The one line that refuses a file. */
function refusal(path: string, read = () => { readTorchFile(path); }): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof UserError, String((error as Error).stack));
    assert.ok(!/[\n\r]/.test(error.message), error.message);
    assert.ok(error.message.includes(path), error.message);
    return error.message;
  }
  return assert.fail(`${path} was read`);
}

for (const [name, message] of Object.entries(hostile)) {
  test(`refused: ${name}`, () => {
    assert.match(refusal(join(fixtures, 'hostile', `${name}.pt`)), message);
    assert.ok(!existsSync(canary));
  });
}

test('every hostile file is refused by one of the tests', () => {
  const files = readdirSync(join(fixtures, 'hostile')).map((file) => file.replace('.pt', ''));
  assert.deepEqual(files.filter((file) => !(file in hostile)).sort(), ['laughs', 'long']);
});

test('the same pickles do run their command in Python', () => {
  const unpickle = `
import pickle, sys, zipfile
for path in sys.argv[1:]:
    file = zipfile.ZipFile(path)
    try:
        pickle.loads(file.read(next(n for n in file.namelist() if n.endswith('/data.pkl'))))
    except Exception:
        pass
`;
  for (const name of ['reduce', 'reduce-saved', 'stack-global', 'inst', 'obj', 'setstate', 'getattr']) {
    const cwd = join(folder, name);
    mkdirSync(cwd);
    copyFileSync(join(fixtures, 'hostile', `${name}.pt`), join(cwd, 'file.pt'));
    execFileSync(resolve('.venv/bin/python'), ['-c', unpickle, 'file.pt'], { cwd });
    assert.ok(existsSync(join(cwd, canary)), name);
  }
});

test('the format before PyTorch 1.6 is refused by its name', () => {
  assert.match(refusal(join(fixtures, 'legacy.pt')), /in PyTorch's format before 1\.6/);
});

test('integers of more than 32 bits are refused when they are read', () => {
  const path = join(fixtures, 'hostile', 'long.pt');
  const tensor = tensorsOf(readTorchFile(path), []).get('w')!;
  assert.match(refusal(path, () => { tensor.read(); }), /integers of more than 32 bits/);
});

test('lists that repeat one another are read at once and refused as a configuration', () => {
  const value = readTorchFile(join(fixtures, 'hostile', 'laughs.pt'));
  assert.throws(() => jsonOf(value, ['config']), { name: 'UserError', message: /holds more than 100000 values/ });
});

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

test('a pickle that only opens lists, or takes too many steps, is stopped', () => {
  const path = join(folder, 'bomb.pt');
  for (const [content, message] of [
    [Buffer.concat([Buffer.of(0x80, 2), Buffer.alloc(200_000, '(')]), /opens more values at once/],
    [Buffer.concat([Buffer.from('\x80\x02]', 'latin1'), Buffer.alloc(3_000_000, 'Na')]), /takes more than 1000000 steps/],
    [Buffer.alloc(2 ** 24 + 1), /has more than 16777216 bytes/],
    // A list of 1,000 values, of which 2,000 sets are made.
    [latin(`\x80\x02](${'N'.repeat(1000)}eq\x00${'cbuiltins\nset\nh\x00\x85R'.repeat(2000)}.`), /takes more than 1000000 steps/],
    [latin(`\x80\x02}X\x00\x00\x01\x00${'a'.repeat(65_536)}q\x00h\x00\x86Ns.`), /has a key that is far too long/],
    [latin(`\x80\x02\x8a\x41${'\x01'.repeat(65)}.`), /has an integer of 65 bytes/],
  ] as const) {
    writeFileSync(path, zip([{ name: 'x/data.pkl', content }]));
    assert.match(refusal(path), message);
  }
});

test('a file that was cut anywhere is refused', () => {
  const whole = readFileSync(join(fixtures, 'direct.pt')), path = join(folder, 'cut.pt');
  for (let length = 0; length < whole.length; length += 83) {
    writeFileSync(path, whole.subarray(0, length));
    refusal(path);
  }
  writeFileSync(path, whole.subarray(0, whole.length - 1));
  refusal(path);
});

test('a damaged file is read or refused in one line, never anything else', () => {
  const whole = readFileSync(join(fixtures, 'kinds-4.pt')), path = join(folder, 'damaged.pt');
  const pickle = whole.indexOf('data.pkl'), random = new Random(3407);
  const outcomes = { read: 0, refused: 0 };
  for (let i = 0; i < 600; i++) {
    const bytes = Buffer.from(whole);
    // Two of three in the pickle, the others anywhere.
    for (let n = random.below(4); n >= 0; n--) {
      bytes[i % 3 ? pickle + random.below(2000) : random.below(bytes.length)] = random.below(256);
    }
    writeFileSync(path, bytes);
    try {
      described(readTorchFile(path));
      outcomes.read++;
    } catch (error) {
      assert.ok(error instanceof UserError && !error.message.includes('\n'), String((error as Error).stack));
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.read > 20 && outcomes.refused > 200, JSON.stringify(outcomes));
});

test('entries beyond 4 GB are found by their zip64 fields', () => {
  const path = join(folder, 'large.pt');
  const small = readFileSync(join(fixtures, 'hostile', 'storage-as-value.pt'));
  const persistent = small.subarray(small.indexOf('\x80\x02', 'latin1'), small.indexOf('PK\x03\x04', 100, 'latin1'));
  // The fixture's storage as a tensor of its four values: a pickle written by hand, as make.py writes them.
  const id = persistent.subarray(persistent.indexOf('(', 0, 'latin1'), persistent.indexOf('Q') + 1);
  const pickle = Buffer.concat([
    Buffer.from('\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(', 'latin1'), id,
    Buffer.from('K\0K\x04\x85K\x01\x85\x89NtRs.', 'latin1'),
  ]);
  const file = openSync(path, 'w');
  try {
    const far = 5 * 2 ** 30;
    const floats = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
    zip([
      { name: 'x/data/1', content: Buffer.alloc(0), size: far },
      { name: 'x/data.pkl', content: pickle }, { name: 'x/data/0', content: floats },
    ], (bytes, at) => { writeSync(file, bytes, 0, bytes.length, at); });
  } finally {
    closeSync(file);
  }
  assert.deepEqual(tensorsOf(readTorchFile(path), []).get('w')?.read().data, Float32Array.of(1, 2, 3, 4));
  rmSync(path);
});

interface Entry {
  name: string;
  content: Buffer;
  /** When larger than the content, zeros follow, which no one writes: a hole in the file. */
  size?: number;
}

/** A zip of stored entries with zip64 fields throughout, put in place by `write` or else returned. */
function zip(entries: Entry[], write?: (bytes: Buffer, at: number) => void): Buffer {
  const parts: Buffer[] = [];
  write ??= (bytes) => { parts.push(bytes); };
  const long = (...values: number[]) => Buffer.concat(values.map((v) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(v));
    return bytes;
  }));
  // Each digit of the pattern is the width of a value.
  const words = (pattern: string, ...values: number[]) => Buffer.concat([...pattern].map((width, i) => {
    const bytes = Buffer.alloc(Number(width));
    bytes.writeUIntLE(values[i]!, 0, Number(width));
    return bytes;
  }));
  const unknown = 0xffffffff, central: Buffer[] = [];
  let at = 0;
  for (const { name, content, size = content.length } of entries) {
    const extra = Buffer.concat([words('22', 1, 16), long(size, size)]);
    const local = Buffer.concat([
      words('42222244422', 0x04034b50, 45, 0, 0, 0, 0, 0, unknown, unknown, name.length, extra.length), Buffer.from(name), extra,
    ]);
    central.push(words('42222224442222244', 0x02014b50, 45, 45, 0, 0, 0, 0, 0, unknown, unknown, name.length, 28, 0, 0, 0, 0, unknown),
      Buffer.from(name), words('22', 1, 24), long(size, size, at));
    write(Buffer.concat([local, content]), at);
    at += local.length + size;
  }
  const directory = Buffer.concat(central);
  write(Buffer.concat([
    directory,
    words('4', 0x06064b50), long(44), words('2244', 45, 45, 0, 0), long(entries.length, entries.length, directory.length, at),
    words('44', 0x07064b50, 0), long(at + directory.length), words('4', 1),
    words('42222442', 0x06054b50, 0, 0, 0xffff, 0xffff, unknown, unknown, 0),
  ]), at);
  return Buffer.concat(parts);
}
