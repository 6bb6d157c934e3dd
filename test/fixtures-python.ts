/** The Python with torch, transformers and peft that made the fixtures, where there is one; tests that need it skip otherwise. */
import { existsSync } from 'node:fs';

const made = 'data/cache/fixtures-venv/bin/python';
export const fixturesPython = process.env['CODE2LORA_FIXTURES_PYTHON'] ?? (existsSync(made) ? made : undefined);
export const withoutPython = fixturesPython ? false : 'needs the Python that "npm run fixtures" makes';
