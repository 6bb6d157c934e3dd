/** Headroom, and the share of it that written adapters capture: over all repositories, and one by one. */
import type { HeadroomRow, RepositoryHeadroom } from '../headroom.js';
import { isHeadroom, methodLabel, SUITES, suites } from '../labels.js';
import { gainingOf } from '../own-vs-other.js';
import { nats, natsSize, percent, points, type ReportTable, type Section } from '../table.js';

export function headroomTable(rows: readonly HeadroomRow[]): ReportTable {
  return {
    head: 'Gain', ids: ['suite', 'method'],
    groups: [{
      label: '',
      columns: [
        { key: 'nats', label: 'nats a token', format: nats, interval: 'bounds' },
        { key: 'gaining', label: 'repositories that gain' },
        { key: 'detectable', label: 'could be seen', format: natsSize },
        { key: 'points', label: 'points of strict EM', format: points, interval: 'bounds' },
        { key: 'share', label: 'share of headroom by tests, %', format: (value: number) => percent(value).replace('-', '−'), interval: 'bounds' },
      ],
    }],
    sections: suites.map((suite): Section => ({
      title: SUITES[suite],
      rows: rows.filter((row) => row.suite === suite).map(({ method, nats: gain, exactMatch, share }) => ({
        label: isHeadroom(method) ? `${methodLabel(method)}, over single LoRA` : `${methodLabel(method)}, own over average`,
        kind: isHeadroom(method) ? 'method' : 'main', ids: { suite, method },
        values: { nats: gain.difference, gaining: gainingOf(gain), detectable: gain.detectable, points: exactMatch, share },
      })),
    })).filter((section) => section.rows.length > 0),
    findings: [],
    note: 'Single LoRA, trained further on one repository alone: on tests of half of its test files, or on its source text; asked are tasks of the other half, the same in '
      + 'every row. All were trained for one pass before; learning rate and passes of what came then were chosen on validation repositories. Of methods that write adapters, what the own adapter gains over the average one. '
      + '95% intervals over repositories; one training seed. A share is left out where headroom cannot be told from zero.',
  };
}

/** A row a repository, those with the most to win first. @param method that wrote the adapters */
export function headroomByRepositoryTable(rows: readonly RepositoryHeadroom[], method: string): ReportTable {
  return {
    head: 'Repository', ids: ['suite', 'repository'],
    groups: [{ label: 'Gain in nats a token', columns: [
      { key: 'tests', label: 'by its other tests', format: nats }, { key: 'source', label: 'by its source text', format: nats },
      { key: 'written', label: `${methodLabel(method)}, own over average`, format: nats }, { key: 'tasks', label: 'Tasks' },
    ] }],
    sections: suites.map((suite): Section => ({
      title: SUITES[suite],
      rows: rows.filter((row) => row.suite === suite).map(({ repo, tasks, tests, source, written }) => (
        { label: repo, kind: 'method', ids: { suite, repository: repo }, values: { tests, source, written, tasks } })),
    })).filter((section) => section.rows.length > 0),
    findings: [],
    note: 'On the same tasks; gains of single LoRA trained on are over single LoRA. One repository has few tasks: look at all of them together.',
  };
}
