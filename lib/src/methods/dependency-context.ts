/** Dependency-resolved context (DRC, paper §4.1): the definitions that a test imports and uses stand before its prompt. */
import { dependencyContext as dependencies } from '../context/dependency/dependency-context.js';
import { contextMethod } from './context-method.js';

export const dependencyContext = contextMethod({
  name: 'dependency-context',
  settings: () => ({}),
  method: ({ tokenizer, contextTokens }) => dependencies(tokenizer, contextTokens),
});
