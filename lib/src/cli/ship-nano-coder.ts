/** The files that ship with nano-coder: weights, log, loss curve and model card. All numbers come from the run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bodyParameters } from '../model/config.js';
import { saveModel } from '../model/checkpoint.js';
import type { Model } from '../model/weights.js';
import type { PretrainConfig, PretrainLogLine } from '../pretrain/pretrain.js';
import type { TokenFile } from '../pretrain/tokens.js';
import { exportFigure } from '../report/export.js';
import { lossCurve } from '../report/figures/loss-curve.js';
import { writeFileAtomic } from '../store/atomic.js';
import { seal } from '../store/sums.js';

/** The lines of all rounds so far; the steps of each count from one. */
export function shippedLog(folder: string): PretrainLogLine[] {
  return parseLog(join(folder, 'pretraining-log.jsonl'));
}

/** Writes all of them to `folder`. `earlier` is the log of the rounds that made the weights this one started from. */
export async function shipModel(
  folder: string, model: Model, config: PretrainConfig, data: TokenFile, projects: number, runFolder: string, earlier: PretrainLogLine[],
): Promise<void> {
  const log = [...earlier, ...readLog(runFolder, config)];
  saveModel(folder, model);
  seal(folder, ['config.json', 'model.safetensors', 'tokenizer.json']);
  const ends = log.filter((line, i) => i + 1 === log.length || log[i + 1]!.step < line.step);
  const tokens = ends.reduce((sum, line) => sum + line.tokens, 0);
  const steps = ends.reduce((sum, line) => sum + line.step, 0);
  writeFileAtomic(join(folder, 'pretraining-log.jsonl'), log.map((l) => `${JSON.stringify(l)}\n`).join(''));
  const held = log.filter((l) => l.heldOutBitsPerByte !== undefined);
  let before = 0;
  const train = log.map(({ step, loss }, i) => {
    if (i > 0 && step < log[i - 1]!.step) before += log[i - 1]!.step;
    return { step: before + step, loss };
  });
  await exportFigure(lossCurve({ train, val: [] }), join(folder, 'pretraining-loss'));
  const last = log.at(-1)!;
  const million = (n: number) => (n / 1e6).toFixed(1);
  writeFileAtomic(join(folder, 'README.md'), `---
license: apache-2.0
language: code
---
# nano-coder

A small Python code model, trained from scratch by this project, so that Code2LoRA can be studied on a laptop. It has
the architecture of Qwen2.5-Coder and loads in \`transformers\` as a \`Qwen2ForCausalLM\`.

| | |
| --- | --- |
| Parameters | ${million(bodyParameters(config.model))} M, and ${million(config.model.vocabSize * config.model.hidden)} M in the tied embedding |
| Shape | ${config.model.layers} layers, hidden ${config.model.hidden}, ${config.model.heads} heads (${config.model.kvHeads} key-value), MLP ${config.model.mlp} |
| Vocabulary | ${config.model.vocabSize} tokens: the part of Qwen's that Python code uses most (Apache-2.0) |
| Data | Python files of ${projects} permissively licensed PyPI projects, pinned in \`data/corpora/pretrain.json\`: ${million(data.train.length)} M tokens, of which no project and no file is in \`mini\` |
| Trained on | ${million(tokens)} M tokens in ${steps} steps of ${config.batchTokens}, in ${ends.length} round${ends.length > 1 ? 's' : ''} |
| Schedule of a round | AdamW, rate ${config.learningRate}, warm-up ${config.warmupSteps} steps, linear decay to zero over the last ${100 * config.decayFraction}%; context ${config.context}, then ${config.longContext} |
| Final training loss | ${last.loss.toFixed(3)} nats a token |
| Held-out | ${held.at(-1)?.heldOutBitsPerByte?.toFixed(3) ?? 'not measured'} bits a byte, on projects that training never saw |
| Licence | Apache-2.0 |

Made by \`npm run pretrain -- ${ends.map((end, i) => `${i ? '--continue ' : ''}--tokens ${end.tokens}`).join('`, then `npm run pretrain -- ')}\`. \`pretraining-log.jsonl\` has the whole run, \`pretraining-loss.svg\` its loss.
It completes short stretches of Python. It was not trained to follow instructions, and it is far too small to rely on.
`);
}

/** The run's log up to its end. Where it was resumed, also by another schedule, later lines replace those they repeat. */
function readLog(runFolder: string, config: PretrainConfig): PretrainLogLine[] {
  const steps = Math.ceil(config.tokens / config.batchTokens);
  const log: PretrainLogLine[] = [];
  for (const entry of parseLog(join(runFolder, 'log.jsonl'))) {
    while (log.length > 0 && log.at(-1)!.step >= entry.step) log.pop();
    if (entry.step <= steps) log.push(entry);
  }
  return log;
}

function parseLog(path: string): PretrainLogLine[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as PretrainLogLine);
}
