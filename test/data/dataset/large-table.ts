/** Writes 200,000 tasks of 1 KB and reads them back: node large-table.js FOLDER. Prints by how many bytes the process grew. */
import { DatasetWriter, readTaskRows } from '../../../lib/dist/data/dataset/dataset.js';

const folder = process.argv[2]!;
const ROWS = 200_000;
const prefix = (i: number) => `${i} `.repeat(1000).slice(0, 1000);
const before = process.memoryUsage().rss;
let peak = 0;
const look = (i: number) => {
  if (i % 1000 === 0) peak = Math.max(peak, process.memoryUsage().rss - before);
};

const writer = new DatasetWriter(folder);
for (let i = 0; i < ROWS; i++) {
  await writer.task({
    id: `owner/r:${i}`, repo: 'owner/r', commit: '1.0', commitIndex: 0, event: 'snapshot', split: 'cr_test', inRepoSplit: 'test', file: 'tests/a.py',
    testFunction: 'test_y', family: 'assert', targetKind: 'numeric', byteStart: i, byteEnd: i + 1, line: i, prefix: prefix(i), target: String(i),
  });
  look(i);
}
await writer.close();
let rows = 0;
for await (const task of readTaskRows(`${folder}/qna/cr_test.parquet`)) {
  if (task.prefix !== prefix(rows) || task.target !== String(rows)) throw new Error(`row ${rows} came back as ${JSON.stringify(task)}`);
  look(rows++);
}
if (rows !== ROWS) throw new Error(`${rows} rows came back`);
console.log(peak);
