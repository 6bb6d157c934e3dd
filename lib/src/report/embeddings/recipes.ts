/** The named ways to make vectors, setting by setting. */
import { from, type ColumnTable } from 'arquero';
import { diff, paper, released, type DiffRecipe, type EncoderRecipe, type Part } from '../../encoder/recipe.js';
import { recipeOf, type EncoderConfig } from '../../encoder/repository-vector.js';

type Setting = keyof EncoderRecipe;

const LABELS: Record<Setting, string> = {
  files: 'files that are read', halved: 'a half of the tests for reading', maxFiles: 'most files', choose: 'which, where there are more', maxFileBytes: 'largest file (bytes)',
  window: 'window (tokens)', overlap: 'overlap (tokens)', minTail: 'shortest window (tokens)', keepFirst: 'first window always',
  maxWindows: 'most windows of a text', endToken: 'end token after a window', inside: 'tokens to a window',
  overWindows: 'windows to a file (or diff)', overFiles: 'files to the repository', final: 'final length', half: 'rounded to half precision',
};

/** A row a setting, a column a recipe: the paper's, the released checkpoints' for repositories and for diffs, and a profile's own. */
export function recipeTable(profile: { name: string; encoder: EncoderConfig }): ColumnTable {
  const recipes: Record<string, Partial<Record<Setting, unknown>>> = {
    paper, released, 'released, diffs': diff satisfies DiffRecipe, [profile.name]: recipeOf(profile.encoder),
  };
  return from((Object.keys(LABELS) as Setting[]).map((setting) => ({
    setting: LABELS[setting], ...Object.fromEntries(Object.entries(recipes).map(([name, recipe]) => [name, text(recipe[setting])])),
  })));
}

function text(value: unknown): string {
  if (value === undefined) return '–';
  if (value === Number.POSITIVE_INFINITY) return 'all';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en');
  if (Array.isArray(value)) {
    return (value as Part[]).map(({ pool, weight }) => (weight === undefined ? pool : `${weight} × ${pool}`)).join(', then ');
  }
  return String(value);
}
