/** `pytest.approx(…)`: the expected value, its keyword arguments (`rel=…`) and the closing parenthesis. */
import { type CallFamily, firstWithKeywords } from './family.js';

export const pytestApprox: CallFamily = {
  family: 'pytest.approx',
  accepts: ({ base, name }) => name === 'approx' && base?.text === 'pytest',
  cut: firstWithKeywords,
};
