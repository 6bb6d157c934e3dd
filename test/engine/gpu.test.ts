/**
 * The way from the binding to CUDA's libraries, and what is said where it ends, without a GPU: small libraries stand in for
 * TensorFlow's and CUDA's, laid out as pip lays out its wheels and linked as set-up links the real ones.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { explainLog } from '../../lib/dist/cli/gpu-libraries.js';

const folder = mkdtempSync(join(tmpdir(), 'libraries-'));
after(() => { rmSync(folder, { recursive: true }); });
const { findCompiler } = (await import(pathToFileURL(resolve('scripts/setup/prerequisites.mjs')).href)) as { findCompiler(): string | undefined };
const compiler = findCompiler()!;
const compile = (...args: string[]) => execFileSync(compiler, ['-shared', '-fPIC', '-x', 'c++', ...args], { cwd: folder });
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

test("TensorFlow finds CUDA's libraries beside its own folder, when it is loaded from there", async () => {
  for (const f of ['site/tensorflow', 'site/nvidia/cublas/lib', 'elsewhere', 'scratch']) mkdirSync(join(folder, f), { recursive: true });
  compile(write('blas.cc', 'extern "C" int stand_in() { return 42; }'), '-o', 'site/nvidia/cublas/lib/libstandin.so.12');
  // Opens the other library by name, as TensorFlow does, with the run path of its wheels.
  const tensorflow = write('tf.cc', `#include <dlfcn.h>
extern "C" int look_up() { void* l = dlopen("libstandin.so.12", RTLD_NOW); return l ? reinterpret_cast<int (*)()>(dlsym(l, "stand_in"))() : 0; }`);
  compile(tensorflow, '-Wl,-soname,libtensorflow_cc.so.2', '-Wl,-rpath,$ORIGIN/../nvidia/cublas/lib', '-o', 'site/tensorflow/libtensorflow_cc.so.2');
  compile(write('fw.cc', ''), '-Wl,-soname,libtensorflow_framework.so.2', '-o', 'site/tensorflow/libtensorflow_framework.so.2');
  compile('-c', write('binding.cc', 'extern "C" int look_up(); extern "C" int answer() { return look_up(); }'), '-o', 'binding.o');
  const { linkBinding } = (await import(pathToFileURL(resolve('scripts/setup/engine.mjs')).href)) as {
    linkBinding(compiler: string, parts: string[], output: string, folder: string, scratch: string): Promise<void>;
  };
  const found = async (from: string): Promise<number> => {
    await linkBinding(compiler, [join(folder, 'binding.o')], join(folder, 'binding.so'), join(folder, from), join(folder, 'scratch'));
    const { stdout } = spawnSync('python3', ['-c', `import ctypes; print(ctypes.CDLL(${JSON.stringify(join(folder, 'binding.so'))}).answer())`], { encoding: 'utf8' });
    return Number(stdout);
  };
  assert.equal(await found('site/tensorflow'), 42);
  // The same library by a link from elsewhere looks beside the link.
  for (const l of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) symlinkSync(join(folder, 'site/tensorflow', l), join(folder, 'elsewhere', l));
  assert.equal(await found('elsewhere'), 0);
});

test('the real binding names the folder of the wheel', () => {
  const trace = spawnSync(process.execPath, ['-e', 'require("@tensorflow/tfjs-node-gpu")'], {
    encoding: 'utf8', env: { ...process.env, LD_DEBUG: 'files' }, maxBuffer: 2 ** 28,
  }).stderr;
  const loaded = [...trace.matchAll(/calling init: (\S*libtensorflow_(?:cc|framework)\.so\.2)/g)].map((m) => m[1]!);
  assert.ok(loaded.length >= 2);
  for (const path of loaded) assert.match(path, /site-packages\/tensorflow\/libtensorflow_/);
});

test('what is missing is named, with the package that brings it', () => {
  const log = `2026-01-01 W external/local_xla/xla/tsl/platform/default/dso_loader.cc:130] Could not load dynamic library 'libcudnn.so.9'; dlerror: libcudnn.so.9: cannot open shared object file
2026-01-01 W gpu_device.cc:2365] Cannot dlopen some GPU libraries. Please make sure the missing libraries mentioned above are installed properly`;
  assert.match(explainLog(log), /libcudnn\.so\.9 \(of the pip package nvidia-cudnn-cu12\).*npm run setup/);
  assert.match(explainLog("Could not load dynamic library 'libcuda.so.1'"), /driver, install that/);
  assert.match(explainLog('cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_NO_DEVICE'), /CUDA_ERROR_NO_DEVICE.*driver/);
  assert.match(explainLog(''), /one for processors/);
});

test('doctor --gpu without a GPU says what to do', () => {
  const { status, stderr } = spawnSync(process.execPath, ['lib/bin/code2lora.js', 'doctor', '--gpu'], { encoding: 'utf8', env: { ...process.env, PATH: '/nowhere', CUDA_VISIBLE_DEVICES: '-1' } });
  assert.equal(status, 1);
  assert.match(stderr, /nvidia-smi is missing|does not compute on the GPU/);
});
