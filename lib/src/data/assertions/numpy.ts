/**
 * NumPy-like: any call named `assert_…` (but not `assert_` alone, nor on a `.mock` attribute) and the other calls of
 * pytest (`pytest.warns`). The target is the last positional argument and the closing parenthesis.
 */
import { type CallFamily, lastPositional } from './family.js';

export const numpyLike: CallFamily = {
  family: 'numpy',
  accepts: ({ base, name }) =>
    (name.startsWith('assert_') && name !== 'assert_' && !isMock(base)) || base?.text === 'pytest',
  cut: (call) => lastPositional(call, 1),
};

function isMock(base: Parameters<CallFamily['accepts']>[0]['base']): boolean {
  return base?.type === 'attribute' && base.childForFieldName('attribute')?.text === 'mock';
}
