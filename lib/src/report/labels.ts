/** How methods and controls are called in tables and figures, in the order of the paper's Table 2. */
import type { Prediction } from '../eval/types.js';
import type { SummaryRow } from './summary.js';

interface MethodLabel {
  /** The id used in predictions. */
  method: string;
  /** The paper's name. */
  label: string;
}

const METHODS: readonly MethodLabel[] = [
  { method: 'pretrained', label: 'Pretrained' },
  { method: 'rag', label: 'RAG (k=3)' },
  { method: 'dependency-context', label: 'Dep.-Resolved Context' },
  { method: 'full-fine-tuning', label: 'FFT' },
  { method: 'single-lora', label: 'Single LoRA' },
  { method: 'per-repo-lora', label: 'Per-repo LoRA' },
  { method: 'text2lora', label: 'Text2LoRA' },
  { method: 'code2lora-static', label: 'Code2LoRA-Static' },
];

/** The controls: the same method with an adapter that was not made for the repository at hand. */
const CONTROLS = { other: "other repository's adapter", average: 'average adapter' } as const;

/** One line of a table or figure: a method, or one of its controls. */
export interface Line {
  method: string;
  label: string;
  /** True for a control, which stands under its method. */
  control: boolean;
  CR: SummaryRow | undefined;
  IR: SummaryRow | undefined;
}

/** Pairs the two suites' rows and puts them in the paper's order, each method followed by its controls. */
export function lines(rows: readonly SummaryRow[]): Line[] {
  const known = METHODS.map((entry) => entry.method);
  const unknown = [...new Set(rows.map((row) => row.method))].filter((method) => !known.includes(method));
  return [...METHODS, ...unknown.map((method) => ({ method, label: method }))].flatMap(({ method, label }) => {
    const line = (adapters: Prediction['adapter'][], name: string, control: boolean): Line[] => {
      const find = (suite: Prediction['suite']): SummaryRow | undefined =>
        rows.find((row) => row.method === method && row.suite === suite && adapters.includes(row.adapter));
      const [CR, IR] = [find('CR'), find('IR')];
      return CR || IR ? [{ method, label: name, control, CR, IR }] : [];
    };
    return [
      ...line(['own', 'none'], label, false),
      ...line(['other'], CONTROLS.other, true),
      ...line(['average'], CONTROLS.average, true),
    ];
  });
}
