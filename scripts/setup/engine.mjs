/**
 * Builds the engine: tfjs's native binding together with the lab's own kernels (lib/native), against the TensorFlow
 * libraries and headers that pip put into .venv. tfjs's own installer would download a TensorFlow of 2022.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from './errors.mjs';
import { inRoot, root, tfjs, venv } from './paths.mjs';
import { findCompiler } from './prerequisites.mjs';
import { run } from './run.mjs';
import { hash, hashFiles, readStamp, writeStamp } from './stamp.mjs';

export const builtBinding = join(tfjs, 'lib', 'napi-v8', 'tfjs_binding.node');
const stamp = inRoot('node_modules', '.cache', 'code2lora', 'engine.json');
const objects = inRoot('node_modules', '.cache', 'code2lora', 'objects');
const native = inRoot('lib', 'native');
/** danfojs asks for this package; as a link to the built one, both share one engine. */
const secondCopy = inRoot('node_modules', '@tensorflow', 'tfjs-node');

const common = ['-std=c++17', '-O3', '-fPIC', '-DNAPI_VERSION=8', `-I${inRoot('node_modules/node-api-headers/include')}`, `-I${join(tfjs, 'deps', 'include')}`];
/** The binding's context is caught by native/functions.cc. */
const bindingFlags = ['-w', `-I${tfjs}`, '-DTFE_NewContext=C2lNewContext'];
// -ffast-math stays out of the link: there it would switch denormals off for the whole process.
const kernelFlags = ['-ffast-math', '-fopenmp'];
/** The kernels are compiled once for each; native/load.cc takes the best that the processor has when it is loaded. */
const instructionSets = process.arch === 'x64' ? {
  avx2: ['-mavx2', '-mfma'],
  avx512: ['-mavx2', '-mfma', '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mprefer-vector-width=512'],
} : { native: ['-march=native'] };
const linkFlags = ['-shared', '-fopenmp', '-Wl,--no-as-needed'];
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/**
 * What is compiled, into objects of these names, in the order of linking: of a template that several of them instantiate
 * the first is taken, which must be code that every processor runs.
 */
function sources() {
  return [
    ...['tfjs_backend', 'tfjs_binding'].map((name) => ({ name, path: join(tfjs, 'binding', `${name}.cc`), flags: bindingFlags })),
    ...['load', 'functions'].map((name) => ({ name, path: join(native, `${name}.cc`), flags: [] })),
    ...Object.entries(instructionSets).map(([set, flags]) => (
      { name: `kernels-${set}`, path: join(native, 'kernels.cc'), flags: [...kernelFlags, ...flags, `-DCODE2LORA_KERNELS=${set}`] })),
  ];
}

/** The folder of pip's TensorFlow, and the version it names itself. */
function tensorflow() {
  const lib = join(venv, 'lib');
  const packages = readdirSync(lib).map((python) => join(lib, python, 'site-packages')).find((path) => existsSync(join(path, 'tensorflow')));
  if (!packages) throw new SetupError('Set-up stopped: no TensorFlow in .venv. Remove the folder .venv and run the same command again.');
  const version = readdirSync(packages).find((name) => /^tensorflow(_cpu)?-[\d.]+\.dist-info$/.test(name));
  return { folder: join(packages, 'tensorflow'), version };
}

/** Another compiler, another kind of processor or another TensorFlow means another build. */
function machineKey() {
  const compiler = findCompiler();
  const version = compiler && spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout;
  const { folder, version: tf } = tensorflow();
  return hash(compiler ?? '', version ?? '', process.arch, folder, tf ?? '', root);
}

function link(target, path) {
  rmSync(path, { force: true, recursive: true });
  symlinkSync(target, path);
}

function linkHeaders() {
  const { folder } = tensorflow();
  mkdirSync(join(tfjs, 'deps'), { recursive: true });
  link(join(folder, 'include'), join(tfjs, 'deps', 'include'));
  for (const library of libraries) {
    if (!existsSync(join(folder, library))) {
      throw new SetupError(`Set-up stopped: ${join(folder, library)} is missing. Remove the folder .venv and run the same command again.`);
    }
  }
}

/**
 * Links `parts` to `output`, which loads TensorFlow from the wheel's own `folder`: its libraries look for CUDA's in the
 * folders beside theirs, and by a link from elsewhere they would look beside the link.
 *
 * Links against empty libraries of the same names, since reading TensorFlow's symbols takes the linker 20 s. Whether
 * every symbol is there is seen when the result is loaded with LD_BIND_NOW.
 */
export async function linkBinding(compiler, parts, output, folder, scratch = objects) {
  const empty = libraries.map((library) => join(scratch, library));
  for (const [i, library] of libraries.entries()) {
    await run(compiler, ['-shared', `-Wl,-soname,${library}`, '-o', empty[i], '-x', 'c++', '/dev/null'], { log: 'engine-link.log' });
  }
  await run(compiler, ['-o', output, ...parts, ...linkFlags, '-Xlinker', '-rpath', '-Xlinker', folder, ...empty], { log: 'engine-link.log', append: true });
}

async function compile(compiler, { name, path, flags }, machine) {
  const args = [...common, ...flags];
  const object = join(objects, `${name}-${hash(hashFiles(dirname(path)), ...args, machine).slice(0, 16)}.o`);
  if (!existsSync(object)) {
    await run(compiler, [...args, '-c', path, '-o', `${object}.tmp`], { log: `engine-${name}.log` });
    renameSync(`${object}.tmp`, object);
  }
  return object;
}

export const engine = {
  name: 'engine (TensorFlow binding and kernels)',
  usually: '10 s',
  log: undefined,
  key: () => hash(machineKey(), hashFiles(native, join(tfjs, 'binding')), JSON.stringify([common, bindingFlags, kernelFlags, instructionSets, linkFlags])),
  fresh() {
    const done = readStamp(stamp);
    return (
      done !== undefined &&
      existsSync(builtBinding) &&
      statSync(builtBinding).mtimeMs === done.mtimeMs &&
      lstatSync(secondCopy, { throwIfNoEntry: false })?.isSymbolicLink() === true &&
      existsSync(readlinkSync(join(tfjs, 'deps', 'include'))) &&
      done.key === this.key()
    );
  },
  async run() {
    const key = this.key();
    const compiler = findCompiler();
    mkdirSync(objects, { recursive: true });
    mkdirSync(join(builtBinding, '..'), { recursive: true });
    linkHeaders();
    link('tfjs-node-gpu', secondCopy);
    const machine = machineKey();
    const parts = await Promise.all(sources().map((source) => compile(compiler, source, machine)));
    const beside = `${builtBinding}.${process.pid}.tmp.node`;
    await linkBinding(compiler, parts, beside, tensorflow().folder);
    try {
      const env = { TF_CPP_MIN_LOG_LEVEL: '2', LD_BIND_NOW: '1' };
      await run(process.execPath, ['-e', 'require(process.argv[1])', beside], { log: 'engine-load.log', env });
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    renameSync(beside, builtBinding);
    const keep = new Set(parts);
    for (const name of readdirSync(objects)) if (name.includes('.o') && !keep.has(join(objects, name))) rmSync(join(objects, name));
    writeStamp(stamp, { key, mtimeMs: statSync(builtBinding).mtimeMs });
  },
};
