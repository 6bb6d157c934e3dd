/** `self.assertX(…)`: the exception or tested value, or the last positional argument, and the closing parenthesis. */
import { type CallFamily, lastPositional, toClosingParenthesis } from './family.js';

const METHODS = new Set([
  'assertEqual', 'assertNotEqual', 'assertTrue', 'assertFalse', 'assertIs', 'assertIsNot', 'assertIsNone',
  'assertIsNotNone', 'assertIn', 'assertNotIn', 'assertIsInstance', 'assertNotIsInstance', 'assertRaises',
  'assertRaisesRegex', 'assertWarns', 'assertWarnsRegex', 'assertAlmostEqual', 'assertNotAlmostEqual', 'assertGreater',
  'assertGreaterEqual', 'assertLess', 'assertLessEqual', 'assertRegex', 'assertNotRegex', 'assertCountEqual',
  'assertSequenceEqual', 'assertListEqual', 'assertTupleEqual', 'assertSetEqual', 'assertDictEqual',
]);
/** These are complete with their first argument. */
const FIRST_ARGUMENT = new Set(['assertTrue', 'assertFalse', 'assertIsNone', 'assertIsNotNone', 'assertRaises']);

export const unittest: CallFamily = {
  family: 'unittest',
  accepts: ({ base, name }) => base?.text === 'self' && METHODS.has(name),
  cut(call) {
    const [first, pattern] = call.positional;
    if (!first) return 'too_few_arguments';
    if (FIRST_ARGUMENT.has(call.name)) return toClosingParenthesis(call, first, first);
    if (call.name === 'assertRaisesRegex') return toClosingParenthesis(call, first, pattern ?? first);
    return lastPositional(call, 2);
  },
};
