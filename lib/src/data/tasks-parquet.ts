/** Tasks as one parquet table, written and read whole: the dataset's table of tasks, of all suites together. */
import { TASK_COLUMNS } from './dataset/columns.js';
import { readTaskRows } from './dataset/dataset.js';
import { TableWriter } from './dataset/table-writer.js';
import type { Task } from './types.js';

/** Writes `tasks` in their order; the file is whole or absent, and the same tasks give the same bytes. */
export function writeTasks(path: string, tasks: readonly Task[]): void {
  const table = new TableWriter(path, TASK_COLUMNS);
  try {
    for (const task of tasks) table.add(task);
    table.finish();
    table.publish();
  } catch (error) {
    table.abort();
    throw error;
  }
}

/** Reads what `writeTasks` wrote. Throws a UserError when the file is not such a table. */
export async function readTasks(path: string): Promise<Task[]> {
  const tasks: Task[] = [];
  for await (const task of readTaskRows(path)) tasks.push(task);
  return tasks;
}
