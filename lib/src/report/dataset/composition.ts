/** What tasks are made of, in percent of a split's tasks: families of assertions and types of target (paper, Table 6). */
import type { ColumnTable } from 'arquero';
import { suiteOf } from '../../data/dataset/suites.js';
import type { AssertionFamily, TargetKind, Task } from '../../data/types.js';
import { UserError } from '../../store/errors.js';
import type { PublishedDataset } from '../published.js';
import { type Line, oursAndPaper } from './ours-and-paper.js';

const FAMILIES: Record<string, AssertionFamily[]> = {
  assert: ['assert'],
  'self.assert*': ['unittest'],
  'pytest.*': ['pytest.raises', 'pytest.approx'],
  // The paper counts five families but its table has no line for this one.
  'numpy-like': ['numpy'],
};

const TARGET_TYPES: Record<string, TargetKind[]> = {
  'numeric literal': ['numeric'],
  'string literal': ['string'],
  variable: ['variable'],
  collection: ['collection'],
  'function call': ['call'],
  'complex expression': ['complex'],
  'bool/none literal': ['bool', 'none'],
};

const COLUMNS = [
  { suite: 'train', name: 'train', key: 'train' },
  { suite: 'cr_test', name: 'CR test', key: 'CR_test' },
  { suite: 'ir_test', name: 'IR test', key: 'IR_test' },
] as const;

type Composed = Pick<Task, 'split' | 'inRepoSplit' | 'family' | 'targetKind'>;

export async function compositionTable(tasks: Iterable<Composed> | AsyncIterable<Composed>, { table6 }: PublishedDataset): Promise<ColumnTable> {
  const counts = new Map<string, number>();
  const add = (key: string): void => { counts.set(key, (counts.get(key) ?? 0) + 1); };
  for await (const task of tasks) {
    const suite = suiteOf(task.split, task.inRepoSplit);
    for (const key of ['', task.family, task.targetKind]) add(`${suite} ${key}`);
  }
  const count = (suite: string, keys: readonly string[]): number => keys.reduce((sum, key) => sum + (counts.get(`${suite} ${key}`) ?? 0), 0);
  const part = (of: string, groups: Record<string, string[]>, published: PublishedDataset['table6']['family']): Line[] => {
    const strange = published.find(({ label }) => !(label in groups));
    if (strange) throw new UserError(`The paper's Table 6 has a line "${strange.label}" that no task belongs to: restore data/paper/tables.json.`);
    const labels = [...new Set([...published.map(({ label }) => label), ...Object.keys(groups)])];
    return labels.map((label) => {
      const row = published.find((line) => line.label === label);
      return {
        labels: { of, label },
        ours: Object.fromEntries(COLUMNS.map(({ suite, name }) => {
          const all = count(suite, ['']);
          return [name, all ? (100 * count(suite, groups[label]!)) / all : null];
        })),
        paper: row ? Object.fromEntries(COLUMNS.map(({ name, key }) => [name, row[key]])) : null,
      };
    });
  };
  return oursAndPaper([...part('family', FAMILIES, table6.family), ...part('target type', TARGET_TYPES, table6.target_type)]);
}
