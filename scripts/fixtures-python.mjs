/** The Python that has PyTorch, transformers and peft: CODE2LORA_FIXTURES_PYTHON, or the one that scripts/fixtures.mjs makes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './setup/paths.mjs';

export const fixturesVenv = join(cache, 'fixtures-venv');

/** Its path, or undefined where there is none yet. */
export function fixturesPython() {
  const made = join(fixturesVenv, 'bin', 'python');
  return process.env.CODE2LORA_FIXTURES_PYTHON ?? (existsSync(made) ? made : undefined);
}
