/** How methods' scores spread over repositories, each counted once, beside the numbers told with the paper's Figure 6. */
import { below, perRepository, type Score, spread } from '../../eval/per-repository.js';
import { deviation, median } from '../../eval/average.js';
import type { Likelihood, Prediction } from '../../eval/types.js';
import { isCompared, lines, publishedName, rowKind, SUITES, suites, TRACKS, tracks } from '../labels.js';
import type { PublishedResults } from '../published.js';
import { repositoryGains } from '../own-vs-other.js';
import { type Column, nats, natsSize, percent, type ReportTable, type Row, type Section, type Value } from '../table.js';

const SCORES = { strictEM: 'Strict EM', relaxedEM: 'Relaxed EM' } as const satisfies Partial<Record<Score, string>>;

/** The figure's short names of methods. */
const FIGURE_6: Record<string, string> = {
  'Pretrained': 'Pretrained', 'RAG (k=3)': 'RAG', 'Dep.-Resolved Context': 'DRC', 'Text2LoRA': 'Text2LoRA', 'Single LoRA': 'sLoRA',
  'Per-repo LoRA': 'pLoRA', 'Code2LoRA-Static': 'Static', 'Code2LoRA-Evo': 'Evo',
};

export function perRepositoryTable(predictions: readonly Prediction[], { figure_numbers: figure }: PublishedResults, likelihoods: readonly Likelihood[] = []): ReportTable {
  const columns = (key: string, paper: boolean): Column[] => [
    { key: `${key}_median`, label: 'Median', format: percent, ...(paper && { paper }) },
    { key: `${key}_sigma`, label: 'σ', format: percent, ...(paper && { paper }) },
    { key: `${key}_share_below_pretrained`, label: 'Below pretrained', format: percent, ...(paper && { paper }) },
  ];
  const sections = tracks.flatMap((track) => suites.map((suite): Section => {
    const here = <Row extends Prediction | Likelihood>(rows: readonly Row[]) => rows.filter((p) => p.track === track && p.suite === suite && isCompared(p.adapter));
    const compared = here(predictions);
    // The figure's repositories are those of IR in the evolution track.
    const rows = methodRows(compared, here(likelihoods), track === 'evolution' && suite === 'IR' ? figure : undefined);
    return { title: `${TRACKS[track]}, ${SUITES[suite]}`, rows: rows.map((row) => ({ ...row, ids: { track, suite, ...row.ids } })) };
  }));
  return {
    head: 'Method', ids: ['track', 'suite', 'method', 'adapter'],
    groups: [
      { label: '', columns: [{ key: 'repositories', label: 'Repositories' }, { key: 'seeds', label: 'Seeds', csvOnly: true as const }] },
      ...Object.entries(SCORES).map(([score, label]) => ({ label, columns: columns(score, false) })),
      ...(likelihoods.length ? [{ label: 'Nats a token over pretrained', columns: [
        { key: 'nats_median', label: 'Median', format: nats }, { key: 'nats_sigma', label: 'σ', format: natsSize },
        { key: 'nats_share_below_pretrained', label: 'Below pretrained', format: percent }, { key: 'nats_seeds', label: 'Seeds of nats', csvOnly: true as const },
      ] }] : []),
      { label: 'Paper, relaxed EM', columns: columns('paper_relaxed_EM', true) },
    ],
    sections: sections.filter(({ rows }) => rows.length > 0), findings: [],
    note: 'EM in %, each repository counted once whatever its number of tasks, its score averaged over training seeds, of which nats may be of fewer (the CSV has how many). σ is the standard deviation over repositories; '
      + 'the last column of a group is the share of repositories on which a method scores below the pretrained model, in %. '
      + 'The paper\'s numbers are of its training repositories.',
  };
}

const seedsOf = (rows: readonly { seed: number }[]): number => new Set(rows.map(({ seed }) => seed)).size;

function methodRows(predictions: readonly Prediction[], likelihoods: readonly Likelihood[], figure: PublishedResults['figure_numbers'] | undefined): Row[] {
  const all = lines(predictions).map((line) => ({ ...line, scores: perRepository(line.items) }));
  const pretrained = all.find(({ method }) => method === 'pretrained')?.scores;
  return all.map((line) => {
    const { method, adapter, label, control, scores } = line;
    const values: Record<string, Value> = { repositories: scores.length, seeds: seedsOf(line.items) };
    for (const score of Object.keys(SCORES) as (keyof typeof SCORES)[]) {
      const { median, sigma } = spread(scores, score);
      const share = pretrained && method !== 'pretrained' ? below(scores, pretrained, score).share : undefined;
      Object.assign(values, { [`${score}_median`]: median, [`${score}_sigma`]: sigma, [`${score}_share_below_pretrained`]: share });
    }
    const own = likelihoods.filter((row) => row.method === method && row.adapter === adapter);
    const gains = method === 'pretrained' ? [] : repositoryGains(own, likelihoods.filter((row) => row.method === 'pretrained')).map(({ gain }) => gain);
    if (gains.length) {
      Object.assign(values, {
        nats_median: median(gains), nats_sigma: deviation(gains), nats_share_below_pretrained: gains.filter((gain) => gain < 0).length / gains.length, nats_seeds: seedsOf(own),
      } satisfies Record<string, Value>);
    }
    const name = control ? '' : FIGURE_6[publishedName(method) ?? ''] ?? '';
    const published = (numbers: Record<string, number> | undefined): number | undefined => {
      const number = numbers?.[name];
      return number === undefined ? undefined : number / 100;
    };
    Object.assign(values, {
      paper_relaxed_EM_median: published(figure?.fig6_per_repo_IR_median_EM), paper_relaxed_EM_sigma: published(figure?.fig6_sigma),
      paper_relaxed_EM_share_below_pretrained: published(figure?.fig6_percent_repos_below_pretrained),
    } satisfies Record<string, Value>);
    return { label, kind: rowKind(line), ids: { method, adapter }, values };
  });
}
