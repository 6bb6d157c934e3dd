/**
 * The pinned models against transformers, which reads the same files: token ids, and 64 greedy continuations but for ties. Fetches some
 * 600 MB and takes minutes, so it runs when asked for: `npm run fixtures -- none` once, then `npm test -- long`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fetchPinnedModel, readPinnedModel } from '../../lib/dist/lab/pinned-model.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { generate } from '../../lib/dist/model/generate.js';
import { silent } from '../../lib/dist/store/progress.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { fixturesPython, withoutPython } from '../fixtures-python.js';

const TOKENS = 16;
/** Logits that two programs compute apart differ by up to 1e-4. */
const TIE = 2e-4;
const names = ['order', 'basket', 'user_id', 'Matrix', 'café', 'n2', 'HTTPServer', 'x'];
const shapes: ((name: string) => string)[] = [
  (n) => `def test_${n}():\n    ${n} = make("${n}", 3)\n    assert ${n}.total ==`,
  (n) => `import numpy as np\n\nclass Test${n}:\n    def test_shape(self):\n        ${n} = np.zeros((3, 4))\n        self.assertEqual(${n}.shape,`,
  (n) => `@pytest.fixture\ndef ${n}():\n    return {"a": 1, "b": [2, 3]}\n\ndef test_keys(${n}):\n    assert sorted(${n}) ==`,
  (n) => `# ${n}: it's what we'll need, don't sort\n\twith pytest.raises(`,
  (n) => `from shop.${n} import load\n\n\ndef test_load(tmp_path):\n    (tmp_path / "a.csv").write_text("1,2\\n3,4\\n")\n    rows = load(tmp_path / "a.csv")\n    assert len(rows) ==`,
  (n) => `>>> ${n}(12345, 0.5)\n`,
  (n) => `class ${n}(Base):\r\n    """Keeps ${n}."""\r\n\r\n    def __init__(self, `,
  (n) => `assert ${n}("naïve", "日本語") ==`,
];

for (const name of ['smollm2-135m', 'qwen2.5-coder-0.5b']) {
  test(`${name}: 64 greedy continuations are those of transformers`, { timeout: 3_600_000, skip: withoutPython }, async () => {
    const path = await fetchPinnedModel(readPinnedModel(name), silent), prompts = shapes.flatMap((shape) => names.map(shape));
    const { stdout, stderr, status } = spawnSync(fixturesPython!, ['test/long/greedy.py', path, String(TOKENS)], { input: JSON.stringify(prompts), encoding: 'utf8', maxBuffer: 1e8, env: { ...process.env, HF_HUB_OFFLINE: '1' } });
    assert.equal(status, 0, stderr.slice(-2000));
    const rows = JSON.parse(stdout) as { ids: number[]; continuation: number[]; ahead: number[] }[];
    const model = loadModel(path), tokenizer = loadTokenizer(path);
    prompts.forEach((prompt, i) => { assert.deepEqual(tokenizer.encode(prompt), rows[i]!.ids, JSON.stringify(prompt)); });
    const ours = generate(model, rows.map(({ ids }) => ids), { maxNewTokens: TOKENS, eos: -1, lastTokens: new Set(), banned: new Set() });
    // Two sums in different orders may part where two tokens are equally good; nowhere else.
    const parted = ours.flatMap((ids, i) => {
      const { continuation, ahead } = rows[i]!, at = ids.findIndex((id, k) => id !== continuation[k]);
      return at < 0 ? [] : [{ prompt: prompts[i], at, ahead: ahead[at]! }];
    });
    assert.ok(parted.length <= 2 && parted.every(({ ahead }) => ahead < TIE), JSON.stringify(parted));
  });
}
