/** `docs/reproduction.md`: which of the paper's claims hold in which profile, from the tables that are exported. */
import { existsSync, readFileSync } from 'node:fs';
import type { Profile } from '../profiles.js';

/** @param tableOf where a profile's claims are, as Markdown; one without is left out */
export function reproductionPage(profiles: readonly Profile[], tableOf: (profile: string) => string): string {
  const found = profiles.filter(({ name }) => existsSync(tableOf(name)));
  return [
    '# Reproduction',
    'Which claims of the paper hold here, profile by profile: what was measured, with 95% intervals, and what that says. This page is written by '
    + '`npx code2lora export` from the stored runs, and by nobody\'s hand.',
    'CR: unseen repositories; IR: other tasks of training repositories; OOD: repositories that began after all training data; strict EM: the first '
    + 'line of the answer is the target, character by character.',
    ...found.map(({ name, description }) => `## ${name}\n\n${description[0]!.toUpperCase()}${description.slice(1)}.\n\n${readFileSync(tableOf(name), 'utf8').trim()}`),
  ].join('\n\n').concat('\n');
}
