#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await (await import(main.href)).main(process.argv.slice(2));
} else {
  console.error('The library is not compiled yet: run npm run setup in the project folder.');
  process.exitCode = 1;
}
