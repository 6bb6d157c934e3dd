/**
 * The data-flow part of CodeBLEU (arXiv 2009.10297, section 3.3): which values come from which, variables renamed by
 * order of appearance. This is the flow as the `codebleu` package extracts it, with its simplifications: every leaf
 * that is not a keyword or sign is a variable (numbers and strings too), scopes are ignored, loops are read twice.
 */
import type { Node } from 'web-tree-sitter';
import type { PythonSource } from '../../data/python.js';
import type { Snippet } from '../with-tree.js';

/** The value at token `token` comes from, or is computed from, the values of `sources`, last seen at `sourceTokens`. */
interface Flow {
  name: string;
  token: number;
  relation: 'comesFrom' | 'computedFrom';
  sources: string[];
  sourceTokens: number[];
}

/** Tokens where each variable last got its value. */
type Known = ReadonlyMap<string, readonly number[]>;

/** A node lacks a part that the rules need: there is no data flow then. */
class Malformed extends Error {}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
/** A string counts as one token, though the grammar cuts it further. */
const isLeaf = (node: Node): boolean => (node.childCount === 0 || node.type === 'string') && node.type !== 'comment';

function leaves(node: Node): Node[] {
  return isLeaf(node) ? [node] : node.children.flatMap(leaves);
}

function field(node: Node, name: string): Node {
  const child = node.childForFieldName(name);
  if (!child) throw new Malformed();
  return child;
}

/**
 * Text of a token, line ends left out. The package takes byte columns for character columns: in a line with non-ASCII
 * text before a token, what it reads as the token lies further right.
 */
function tokenText(node: Node, source: PythonSource): string {
  const { startIndex, endIndex } = node;
  const first = source.lineOf(startIndex);
  const last = source.lineOf(endIndex);
  const column = (index: number, line: number) => source.byteOf(index) - source.byteOf(source.lineStarts[line]!);
  let text = '';
  for (let line = first; line <= last; line++) {
    const next = source.lineStarts[line + 1];
    const characters = [...source.text.slice(source.lineStarts[line], next === undefined ? undefined : next - 1)];
    const from = line === first ? column(startIndex, line) : 0;
    text += characters.slice(from, line === last ? column(endIndex, line) : undefined).join('');
  }
  return text;
}

/** Flows of one meaning that a loop gave more than once become one. */
function mergeRepeats(flows: readonly Flow[]): Flow[] {
  const merged = new Map<string, Flow>();
  for (const flow of flows) {
    const key = `${flow.token} ${flow.relation} ${flow.name}`;
    const before = merged.get(key);
    merged.set(key, before ? {
      ...flow,
      sources: unique([...before.sources, ...flow.sources]),
      sourceTokens: unique([...before.sourceTokens, ...flow.sourceTokens]).sort((a, b) => a - b),
    } : flow);
  }
  return [...merged.values()];
}

function mergeBranches(branches: readonly Known[]): Known {
  const merged = new Map<string, number[]>();
  for (const branch of branches) {
    for (const [name, tokens] of branch) merged.set(name, [...(merged.get(name) ?? []), ...tokens]);
  }
  return new Map([...merged].map(([name, tokens]) => [name, unique(tokens).sort((a, b) => a - b)]));
}

/** Reads one tree. Visits return the flows below a node and what is known after it. */
class Reader {
  /** By position, not by node: the last of several empty tokens at one place stands for all. */
  readonly #tokens = new Map<string, { token: number; text: string }>();

  constructor({ root, source }: Snippet) {
    leaves(root).forEach((leaf, token) => {
      this.#tokens.set(`${leaf.startIndex} ${leaf.endIndex}`, { token, text: tokenText(leaf, source) });
    });
  }

  #at(leaf: Node): { token: number; text: string } {
    return this.#tokens.get(`${leaf.startIndex} ${leaf.endIndex}`)!;
  }

  #variables(node: Node): { token: number; text: string }[] {
    return leaves(node).filter((leaf) => leaf.type !== this.#at(leaf).text).map((leaf) => this.#at(leaf));
  }

  visit(node: Node, known: Known): [Flow[], Known] {
    if (isLeaf(node)) return this.#leaf(node, known);
    switch (node.type) {
      case 'default_parameter':
        return this.#default(node, known);
      case 'assignment':
      case 'augmented_assignment':
        if (!node.childForFieldName('right')) return [[], known];
        return this.#assign(pairs(field(node, 'left'), field(node, 'right')), known);
      case 'for_in_clause':
        return this.#assign([[field(node, 'left'), node.lastChild!]], known);
      case 'if_statement':
        return this.#branches(node, known);
      case 'for_statement':
        return this.#twice(known, (before) => {
          const [flows, bound] = this.#assign(pairs(field(node, 'left'), field(node, 'right')), before);
          const body = node.lastChild!;
          if (body.type !== 'block') return [flows, bound];
          const [inside, after] = this.visit(body, bound);
          return [[...flows, ...inside], after];
        });
      case 'while_statement':
        return this.#twice(known, (before) => this.#sequence(node.children, before));
      default: {
        const clauses = node.children.filter((child) => child.type === 'for_in_clause');
        const others = node.children.filter((child) => child.type !== 'for_in_clause');
        return this.#sequence([...clauses, ...others], known);
      }
    }
  }

  #leaf(node: Node, known: Known): [Flow[], Known] {
    const { token, text: name } = this.#at(node);
    if (node.type === name) return [[], known];
    const seen = known.get(name);
    if (seen) return [[{ name, token, relation: 'comesFrom', sources: [name], sourceTokens: [...seen] }], known];
    const after = node.type === 'identifier' ? new Map(known).set(name, [token]) : known;
    return [[{ name, token, relation: 'comesFrom', sources: [], sourceTokens: [] }], after];
  }

  #sequence(nodes: readonly Node[], known: Known): [Flow[], Known] {
    const flows: Flow[] = [];
    let now = known;
    for (const node of nodes) {
      const [more, after] = this.visit(node, now);
      flows.push(...more);
      now = after;
    }
    return [flows, now];
  }

  /** A parameter's name comes from each part of its default. */
  #default(node: Node, known: Known): [Flow[], Known] {
    const value = field(node, 'value');
    const [flows, after] = this.visit(value, known);
    const now = new Map(after);
    for (const { token, text: name } of this.#variables(field(node, 'name'))) {
      for (const source of this.#variables(value)) {
        flows.push({ name, token, relation: 'comesFrom', sources: [source.text], sourceTokens: [source.token] });
      }
      now.set(name, [token]);
    }
    return [flows, now];
  }

  /** Each variable of a left side is computed from all variables of its right side. */
  #assign(sides: readonly [left: Node, right: Node][], known: Known): [Flow[], Known] {
    const [flows, after] = this.#sequence(sides.map(([, right]) => right), known);
    const now = new Map(after);
    for (const [left, right] of sides) {
      const sources = this.#variables(right);
      const from = { sources: sources.map(({ text }) => text), sourceTokens: sources.map(({ token }) => token) };
      for (const { token, text: name } of this.#variables(left)) {
        flows.push({ name, token, relation: 'computedFrom', ...from });
        now.set(name, [token]);
      }
    }
    return [flows, now];
  }

  /** Afterwards a variable may have its value from any branch, or from before where there is no `else`. */
  #branches(node: Node, known: Known): [Flow[], Known] {
    const flows: Flow[] = [];
    const ends: Known[] = [];
    let main = known;
    for (const child of node.children) {
      const clause = child.type === 'elif_clause' || child.type === 'else_clause';
      const [more, after] = this.visit(child, clause ? known : main);
      flows.push(...more);
      if (clause) ends.push(after);
      else main = after;
    }
    ends.push(main);
    if (!node.children.some((child) => child.type.includes('else'))) ends.push(known);
    return [flows, mergeBranches(ends)];
  }

  /** A second pass sees what the first left behind, as the second turn of a loop does. */
  #twice(known: Known, pass: (known: Known) => [Flow[], Known]): [Flow[], Known] {
    const [first, between] = pass(known);
    const [second, after] = pass(between);
    return [mergeRepeats([...first, ...second]), after];
  }
}

/** `a, b = 1, 2` pairs item with item; sides of unlike length are one pair. */
function pairs(left: Node, right: Node): [left: Node, right: Node][] {
  const lefts = left.children.filter((child) => child.type !== ',');
  const rights = right.children.filter((child) => child.type !== ',');
  if (lefts.length === 0 || lefts.length !== rights.length) return [[left, right]];
  return lefts.map((item, i) => [item, rights[i]!]);
}

/** Flows of a tree that lead somewhere, one a token, with variables numbered by appearance. */
function normalisedFlows(snippet: Snippet): string[] {
  let flows: Flow[];
  try {
    flows = new Reader(snippet).visit(snippet.root, new Map())[0].sort((a, b) => a.token - b.token);
  } catch (error) {
    if (error instanceof Malformed) return [];
    throw error;
  }
  const used = new Set(flows.flatMap(({ token, sourceTokens }) => (sourceTokens.length > 0 ? [token, ...sourceTokens] : [])));
  const merged = new Map<number, Flow>();
  for (const flow of flows) {
    if (!used.has(flow.token)) continue;
    const before = merged.get(flow.token);
    merged.set(flow.token, before ? { ...flow, sources: unique([...before.sources, ...flow.sources]) } : flow);
  }
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name)!;
  };
  return [...merged.values()].map(({ name, relation, sources }) => {
    const from = sources.map(numberOf);
    return `${numberOf(name)} ${relation} ${from.join(',')}`;
  });
}

/** Share of the reference's flows that the prediction has, each used once, in [0, 1]; 0 where the reference has none. */
export function dataFlowMatch(prediction: Snippet, reference: Snippet): number {
  const theirs = normalisedFlows(reference);
  if (theirs.length === 0) return 0;
  const left = new Map<string, number>();
  for (const flow of normalisedFlows(prediction)) left.set(flow, (left.get(flow) ?? 0) + 1);
  let matched = 0;
  for (const flow of theirs) {
    const count = left.get(flow) ?? 0;
    if (count === 0) continue;
    matched++;
    left.set(flow, count - 1);
  }
  return matched / theirs.length;
}
