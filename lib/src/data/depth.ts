/**
 * How deeply the parts of a program lie in one another. No program that people write comes near the bound here, and Python
 * itself gives up before; but a file of some kilobytes can, and asking a parser about such a tree takes time quadratic in
 * its depth.
 */
import type { Tree } from 'web-tree-sitter';

/** Python takes 200 brackets in one another, and some thousand operators. */
export const MAX_DEPTH = 2000;

export const isTooDeep = (text: string, tree: Tree): boolean => mayBeDeep(text) && isDeeper(tree, MAX_DEPTH);

const CODE = { open: 1, close: 2, comma: 3, line: 4, operator: 5, space: 0 } as const;
const codes = new Uint8Array(128);
for (const [characters, code] of [['([{', CODE.open], [')]}', CODE.close], [',', CODE.comma], ['\n;', CODE.line], ['+-*/%@<>=!&|^~.:', CODE.operator]] as const) {
  for (const character of characters) codes[character.charCodeAt(0)] = code;
}
/** Words that hold what follows them. */
const WORDS = /\b(?:not|lambda|await|and|or|if)\b/y;

/**
 * False where the text cannot hold so deep a tree: the parts around a place are at most the brackets that are open there
 * and the operators before it in each, since the last comma. What stands in strings is counted too, so true says nothing.
 */
function mayBeDeep(text: string): boolean {
  // Of each open bracket the operators since its last comma, and whether a lambda is among them, whose own commas part nothing.
  const counts = [0], lambdas = [false];
  let total = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i), last = counts.length - 1;
    switch (character < 128 ? codes[character] : CODE.space) {
      case CODE.open:
        counts[last]!++;
        counts.push(0);
        lambdas.push(false);
        total += 2;
        break;
      case CODE.close:
        if (!last) break;
        total -= counts.pop()! + 1;
        lambdas.pop();
        break;
      case CODE.comma:
        if (!last || lambdas[last]) break;
        total -= counts[last]!;
        counts[last] = 0;
        break;
      case CODE.line:
        if (last || text[i - 1] === '\\' || (text[i - 1] === '\r' && text[i - 2] === '\\')) break;
        total = counts[0] = 0;
        lambdas[0] = false;
        break;
      case CODE.operator:
        counts[last]!++;
        total++;
        break;
      default:
        if (character < 97 || character > 122) break;
        WORDS.lastIndex = i;
        if (!WORDS.test(text)) break;
        if (character === 108) lambdas[last] = true;
        counts[last]!++;
        total++;
    }
    // An operator makes one or two nodes.
    if (2 * total > MAX_DEPTH) return true;
  }
  return false;
}

function isDeeper(tree: Tree, most: number): boolean {
  const cursor = tree.walk();
  try {
    for (let depth = 0; ;) {
      if (cursor.gotoFirstChild()) {
        if (++depth > most) return true;
        continue;
      }
      while (!cursor.gotoNextSibling()) {
        if (!cursor.gotoParent()) return false;
        depth--;
      }
    }
  } finally {
    cursor.delete();
  }
}
