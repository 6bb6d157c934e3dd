/** How methods and controls are called in tables and figures, and in which order they stand. */
import type { Prediction, Suite } from '../eval/types.js';
import { type AdapterKind, methods, type Track } from '../methods/index.js';
import type { Row } from './table.js';

interface MethodLabel {
  label: string;
  /** The paper's name of the method, where it has one. */
  published?: string;
}

const LABELS: Record<string, MethodLabel> = {
  'pretrained': { label: 'Pretrained', published: 'Pretrained' },
  'rag': { label: 'RAG', published: 'RAG (k=3)' },
  'rag-hybrid': { label: 'RAG (hybrid)' },
  'dependency-context': { label: 'Dep.-Resolved Context', published: 'Dep.-Resolved Context' },
  'full-fine-tuning': { label: 'FFT', published: 'FFT' },
  'full-fine-tuning-rag': { label: 'FFT + RAG', published: 'FFT + RAG' },
  'single-lora': { label: 'Single LoRA', published: 'Single LoRA' },
  'per-repo-lora': { label: 'Per-repo LoRA', published: 'Per-repo LoRA' },
  'text2lora': { label: 'Text2LoRA', published: 'Text2LoRA' },
  'paw': { label: 'PAW' },
  'code2lora-static-paper': { label: 'Code2LoRA-Static (paper\'s head)', published: 'Code2LoRA-Static' },
  'code2lora-static': { label: 'Code2LoRA-Static', published: 'Code2LoRA-Static' },
  'code2lora-evo': { label: 'Code2LoRA-Evo', published: 'Code2LoRA-Evo' },
  'headroom-tests': { label: 'Headroom: other tests' },
  'headroom-source': { label: 'Headroom: source text' },
};

/** The controls, in the order of the tables. */
export const CONTROLS = {
  first: 'first commit\'s adapter, kept',
  other: 'other repository\'s adapter',
  average: 'average adapter',
  empty: 'empty repository\'s adapter',
  random: 'random vector\'s adapter',
} as const satisfies Partial<Record<AdapterKind, string>>;

export type Control = keyof typeof CONTROLS;

export const isControl = (adapter: AdapterKind): adapter is Control => adapter in CONTROLS;
/** A method's own answers, and the two controls that stand beside them in every table. */
export const isCompared = (adapter: AdapterKind): boolean => !isControl(adapter) || adapter === 'other' || adapter === 'average';

/** False of what answers as it is, and so under one seed for all. */
export const isTrained = (method: string): boolean => methods.some(({ name, settings }) => name === method && settings !== undefined);

/** A method that is not among the labels is called by its own name. */
export const methodLabel = (method: string): string => LABELS[method]?.label ?? method;
export const publishedName = (method: string): string | undefined => LABELS[method]?.published;
export const isCode2Lora = (method: string): boolean => method.startsWith('code2lora');

/** Measured on tasks of its own, so in a table of its own. */
export const isHeadroom = (method: string): boolean => method.startsWith('headroom-');

export const TRACKS = { static: 'Static track', evolution: 'Evolution track' } as const satisfies Record<Track, string>;
export const SUITES = {
  CR: 'CR: unseen repositories', IR: 'IR: training repositories', OOD: 'OOD: repositories younger than all data',
} as const satisfies Record<Suite, string>;

export const tracks = Object.keys(TRACKS) as Track[];
export const suites = Object.keys(SUITES) as Suite[];

/** One line of a table or figure: a method, or one of its controls. */
export interface Line<T> {
  method: string;
  adapter: AdapterKind;
  label: string;
  control: boolean;
  items: T[];
}

/** As `lines`, for items that are of a method as a whole. */
export const methodLines = <T extends Pick<Prediction, 'method'>>(items: readonly T[]): Line<T & { adapter: 'own' }>[] =>
  lines(items.map((item) => ({ ...item, adapter: 'own' })));

/** Items of one method and adapter together, in the paper's order of methods, each followed by its controls. */
export function lines<T extends Pick<Prediction, 'method' | 'adapter'>>(items: readonly T[]): Line<T>[] {
  const known = methods.map(({ name }) => name);
  const unknown = [...new Set(items.map(({ method }) => method))].filter((method) => !known.includes(method));
  return [...known, ...unknown].flatMap((method) => {
    const own = items.filter((item) => item.method === method);
    const line = (adapter: AdapterKind, label: string): Line<T>[] => {
      const some = own.filter((item) => item.adapter === adapter);
      return some.length ? [{ method, adapter, label, control: isControl(adapter), items: some }] : [];
    };
    return [
      ...line('none', methodLabel(method)), ...line('own', methodLabel(method)),
      ...Object.entries(CONTROLS).flatMap(([adapter, label]) => line(adapter as Control, label)),
    ];
  });
}

export const rowKind = ({ method, control }: Pick<Line<unknown>, 'method' | 'control'>): Row['kind'] =>
  (control ? 'control' : isCode2Lora(method) ? 'main' : 'method');
