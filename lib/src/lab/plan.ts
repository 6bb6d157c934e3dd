/** Which runs the result tables are made of. */
import { methods, type Track } from '../methods/index.js';
import type { Profile } from '../profiles.js';
import { hasHistories } from './keys.js';

export interface Plan {
  track: Track;
  methods: readonly string[];
  seeds: readonly number[];
}

/** The methods that read source text, which the published tables do not hold; none of them where a profile has the text. */
export const unanswered = ({ corpus }: Profile): string[] => ('published' in corpus ? methods.filter(({ readsSource }) => readsSource).map(({ name }) => name) : []);

/** The plans on the tracks that a profile has, with the methods that can answer there. */
export function plansOf(profile: Profile, plans: readonly Plan[]): Plan[] {
  const out = unanswered(profile);
  return plans.filter(({ track }) => track === 'static' || hasHistories(profile)).map((plan) => ({ ...plan, methods: plan.methods.filter((method) => !out.includes(method)) }));
}

export const SEEDS = [3407, 1234, 5678] as const;

/** The question of the paper, with its controls: what `npm run reproduce` answers. */
export const HEADLINE: readonly Plan[] = [
  { track: 'static', methods: ['pretrained', 'single-lora', 'code2lora-static-paper', 'code2lora-static'], seeds: SEEDS.slice(0, 1) },
  { track: 'evolution', methods: ['pretrained', 'single-lora', 'code2lora-static', 'code2lora-evo'], seeds: SEEDS.slice(0, 1) },
];

/** The headline of a profile, on the tracks that it has; it may leave methods to `reproduce --all`. */
export const headlineOf = (profile: Profile): Plan[] =>
  plansOf(profile, HEADLINE).map((plan) => ({ ...plan, methods: plan.methods.filter((method) => !profile.headlineWithout?.includes(method)) }));

/** All methods; what is trained, under three seeds: `npm run reproduce:all`. */
export const ALL: readonly Plan[] = [
  { track: 'static', methods: ['pretrained', 'rag', 'rag-hybrid', 'dependency-context'], seeds: SEEDS.slice(0, 1) },
  { track: 'evolution', methods: ['pretrained'], seeds: SEEDS.slice(0, 1) },
  {
    track: 'static', seeds: SEEDS,
    methods: [
      'single-lora', 'code2lora-static-paper', 'code2lora-static', 'code2lora-evo', 'full-fine-tuning', 'full-fine-tuning-rag', 'text2lora', 'per-repo-lora',
    ],
  },
  { track: 'evolution', seeds: SEEDS, methods: ['single-lora', 'code2lora-static-paper', 'code2lora-static', 'code2lora-evo', 'per-repo-lora'] },
];
