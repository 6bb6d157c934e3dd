/**
 * Answers under several adapters side by side, as HTML for a notebook (right ones are green with a tick, wrong ones grey), and
 * the two rulers for them: how many are right, and how probable the targets are.
 */
import { from, type ColumnTable } from 'arquero';
import { strictExactMatch } from '../../eval/exact-match.js';
import { clusteredInterval, pairedInterval } from '../../eval/interval.js';
import type { Nats } from '../../eval/likelihood.js';
import type { Completion, UnderEach } from '../../lab/adapt/index.js';
import { escapeHtml, INK, LINE, MUTED } from '../formats/html.js';
import { perToken } from '../own-vs-other.js';
import { nats } from '../table.js';

const CELL = 'padding:3px 8px;text-align:left;vertical-align:top;background:none;';
const CODE = 'font-family:var(--jp-code-font-family, monospace);font-size:12px;line-height:1.35;white-space:pre-wrap;word-break:break-word;';
/** Readable on a light and on a dark page. */
const RIGHT = '#009E73';
/** What fits in a row. */
const LINES = 3, CHARACTERS = 160;

/** Each assertion's last lines, and below it the target and the answers; right is what is the target letter by letter. */
export function completionsHtml(completions: readonly Completion[]): string {
  if (completions.length === 0) return '<p>No assertion in its tests gives a task.</p>';
  const adapters = Object.keys(completions[0]!.answers), columns = ['target', ...adapters];
  const head = columns.map((name) => `<th style="${CELL}font-weight:500;color:${MUTED};border-bottom:${LINE}">${escapeHtml(name)}</th>`);
  const rows = completions.map(({ task: { prefix, target }, answers }) => {
    const cells = adapters.map((name) => answer(answers[name] ?? '', target)).join('');
    return `<tr style="background:none;border-top:${LINE}">
<td colspan="${columns.length}" style="${CELL}${CODE}">${escapeHtml(end(prefix))}<b>…</b></td></tr>
<tr style="background:none"><td style="${CELL}${CODE}min-width:9em">${escapeHtml(start(target))}</td>${cells}</tr>`;
  });
  const edges = `border:0;border-top:2px solid ${INK};border-bottom:2px solid ${INK}`;
  return `<div style="overflow-x:auto"><table style="border-collapse:collapse;${edges};color:${INK};font-size:13px;margin:8px 0">
<thead><tr style="background:none">${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function answer(text: string, target: string): string {
  const right = strictExactMatch(text, target);
  const style = right ? `color:${RIGHT};font-weight:600;` : `color:${MUTED};`;
  return `<td style="${CELL}${CODE}${style}min-width:9em">${right ? '✓' : '✗'}\u00a0${escapeHtml(start(text.split('\n', 1)[0]!.trim()))}</td>`;
}

/** A row an adapter: of how many assertions the answer is right. */
export function exactMatches(completions: readonly Completion[]): ColumnTable {
  const adapters = Object.keys(completions[0]?.answers ?? {});
  const right = (adapter: string) => completions.filter(({ task, answers }) => strictExactMatch(answers[adapter] ?? '', task.target)).length;
  return from(adapters.map((adapter) => ({ adapter, right: right(adapter), of: completions.length })));
}

/**
 * A row an adapter: the log-probability of a target's token under it, on average, and by how much it is higher under the own
 * one, with the 95% interval over test files (a dash where there is one file).
 * @param own the name of the adapter that is compared with the others
 */
export function natsByAdapter(scored: readonly UnderEach<Nats>[], own: string): ColumnTable {
  // Test files stand where the benchmark has repositories.
  const under = (adapter: string) => scored.map(({ task, answers }) => perToken({ repo: task.file, taskId: task.id, seed: 0, ...answers[adapter]! }));
  return from(Object.keys(scored[0]?.answers ?? {}).map((adapter) => {
    const scores = under(adapter), { mean, low, high } = pairedInterval(scores, under(own));
    return {
      'adapter': adapter,
      'log-probability of a token': nats(-clusteredInterval(scores).mean),
      'own − this': adapter === own ? '–' : nats(mean),
      '95% interval': adapter === own || Number.isNaN(low) ? '–' : `${nats(low)} to ${nats(high)}`,
    };
  }));
}

/** The last lines that are not blank, without the indentation that they share. */
function end(prefix: string): string {
  const lines = prefix.split('\n').filter((line) => line.trim()).slice(-LINES);
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  const text = lines.map((line) => line.slice(indent)).join('\n');
  return text.length > 2 * CHARACTERS ? `…${text.slice(-2 * CHARACTERS)}` : text;
}

const start = (text: string): string => (text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}…` : text);
