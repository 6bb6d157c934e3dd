/** An audit as tables: where on the way from a vector to an adapter repositories become alike, and what the adapters do. */
import type { Audit, SuiteAudit } from '../../lab/audit/audit.js';
import { SUITES } from '../labels.js';
import type { Interval } from '../../eval/types.js';
import { nats, percent, type ReportTable, type Row, type Section, similarity } from '../table.js';
import type { AuditRow } from './rows.js';

const STAGES: Record<keyof SuiteAudit['spread'], string> = {
  vectors: 'vector that is read', trunk: 'trunk', factors: 'adapter\'s factors', deltas: 'change of the weights, ΔW',
};

export function auditSpreadTable(audit: Audit): ReportTable {
  // One repository has no pair.
  const suites = audit.suites.filter(({ repositories }) => repositories.length > 1);
  return {
    head: 'Stage', ids: ['stage'],
    groups: suites.map(({ suite }) => ({
      label: SUITES[suite],
      columns: [
        { key: `${suite}_cosine`, label: 'Cosine', format: signedSimilarity }, { key: `${suite}_deviation`, label: '±', format: similarity },
        { key: `${suite}_centred_cosine`, label: 'Less the mean', format: signedSimilarity }, { key: `${suite}_centred_deviation`, label: '±', format: similarity },
        { key: `${suite}_relative_spread`, label: 'Spread, % of the mean', format: percent },
      ],
    })),
    sections: [{
      title: '',
      rows: (Object.keys(STAGES) as (keyof typeof STAGES)[]).filter((stage) => suites.some(({ spread }) => spread[stage])).map((stage) => ({
        label: STAGES[stage], kind: 'method', ids: { stage },
        values: Object.fromEntries(suites.flatMap(({ suite, spread }) => {
          const found = spread[stage];
          return found ? [
            [`${suite}_cosine`, found.cosine.mean], [`${suite}_deviation`, found.cosine.deviation], [`${suite}_centred_cosine`, found.centred.mean],
            [`${suite}_centred_deviation`, found.centred.deviation], [`${suite}_relative_spread`, found.relativeSpread],
          ] : [];
        })),
      })),
    }],
    findings: [],
    note: 'Mean and standard deviation of the cosines of all pairs of repositories. Less the mean, the cosines are wide apart even where all vectors are nearly the same: '
      + 'that is rounding made large, so look at the spread, the root mean square distance from the mean vector as a share of its length.',
  };
}

export function auditGainTable(rows: readonly AuditRow[]): ReportTable {
  const steps = rows[0]?.steps.map(({ step }) => step).filter((step) => step > 0) ?? [];
  const line = (label: string, id: string, of: (row: AuditRow) => Interval): Row => (
    { label, kind: 'method', ids: { measure: id }, values: Object.fromEntries(rows.map((row) => [row.suite, of(row)])) });
  const section = (title: string, list: Row[], format: (value: number) => string): Section => (
    { title, rows: list.map((row) => ({ ...row, values: Object.fromEntries(Object.entries(row.values).map(([key, value]) => [`${key}_${format === percent ? 'place' : 'nats'}`, value])) })) });
  return {
    head: '', ids: ['measure'],
    groups: rows.map((row) => ({
      label: `${SUITES[row.suite]} (${row.repositories})`,
      columns: [
        { key: `${row.suite}_nats`, label: 'Nats a token', format: nats, interval: 'bounds' as const },
        { key: `${row.suite}_place`, label: 'Place, %', format: percent, interval: 'bounds' as const },
      ],
    })),
    sections: [
      section('Own adapter among all of its suite', [line('over all others, on average', 'over others', ({ overOthers }) => overOthers)], nats),
      section('', [line('its place among them', 'place', ({ place }) => place)], percent),
      section('Average + step · (own − average), over the average', steps.map((step) => line(`step ${step}`, `step ${step}`, (row) => row.steps.find((one) => one.step === step)!.gain)), nats),
    ],
    findings: [],
    note: 'In nats a token, with 95% intervals over repositories; above zero the adapter named first is better. Each repository\'s tasks (ten at most) were asked under the '
      + 'adapters of all repositories of their suite (sixty at most). The place is 0 where the own adapter is the best of them and 100 where it is the worst; chance gives 50.',
  };
}

const signedSimilarity = (value: number): string => similarity(value).replace('-', '−');
