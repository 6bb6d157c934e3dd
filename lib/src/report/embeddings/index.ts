/** Vectors and adapters of repositories, as tables, figures and HTML. */
export type { Part } from '../../encoder/recipe.js';
export { cosineHistogram } from '../figures/embeddings.js';
export { completionsHtml, exactMatches, natsByAdapter } from './completions.js';
export { recipeTable } from './recipes.js';
export { cosine, nearestTable, pairCosines, standardiseBy, type VectorsByName } from './similarity.js';
