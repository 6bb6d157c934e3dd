/** `pytest.raises(…)`: the exception, its keyword arguments (`match=…`) and the closing parenthesis. */
import { type CallFamily, firstWithKeywords } from './family.js';

export const pytestRaises: CallFamily = {
  family: 'pytest.raises',
  accepts: ({ base, name }) => name === 'raises' && base?.text === 'pytest',
  cut: firstWithKeywords,
};
