/**
 * Exact match, twice. Strict: the first line of what was written equals the target; the reference is not looked at.
 * Relaxed: the paper's (its evaluation section and its authors' evaluator), whose clean-up of the prediction looks
 * at the reference: it cuts what the reference lacks, so it forgives text that runs on after the target.
 */

const FILL_IN_THE_MIDDLE = /<\|fim_\w+\|>/g;

const firstLine = (text: string): string => text.split('\n', 1)[0]!;

/** Text before the first `#`, also where that stands inside a string: the paper's rule. */
export function stripComment(text: string): string {
  return text.split('#', 1)[0]!.trim();
}

/**
 * The paper's post-processing of a prediction against its reference: remove fill-in-the-middle tokens; keep the first
 * line unless the reference has several; strip comments; cut at the first comma unless the reference has one; keep the
 * first token where the reference is a single one.
 */
export function cleanPrediction(prediction: string, reference: string): string {
  const expected = stripComment(reference);
  let text = prediction.replace(FILL_IN_THE_MIDDLE, '');
  if (!reference.includes('\n')) text = firstLine(text);
  text = stripComment(text);
  if (!expected.includes(',')) text = text.split(',', 1)[0]!.trim();
  if (/^\S+$/.test(expected)) text = text.split(/\s/, 1)[0]!;
  return text;
}

/** Trailing colons, commas and spaces removed, one space after a comma and none before, other space collapsed. */
function normalise(text: string): string {
  return text
    .trim()
    .replace(/[:,\s]+$/, '')
    .replace(/\s*,\s*/g, ', ')
    .replace(/\s+/g, ' ');
}

export function strictExactMatch(prediction: string, target: string): boolean {
  return firstLine(prediction).trim() === target.trim();
}

export function relaxedExactMatch(prediction: string, reference: string): boolean {
  return normalise(cleanPrediction(prediction, reference)) === normalise(stripComment(reference));
}
