/**
 * A piece of work written down as a TensorFlow graph while it runs: what passes the binding on its way becomes nodes
 * (recorded.ts has it run as a function from then on).
 */
import { createRequire } from 'node:module';
import { withCalls, type Binding, type EngineAttribute } from './binding.js';
import { smallValueOf } from './small-values.js';

/** Whole numbers, then bytes filled up to whole numbers. */
export function packed(numbers: readonly number[], ...texts: Uint8Array[]): Int32Array {
  const words = texts.map((t) => Math.ceil(t.length / 4));
  const out = new Int32Array(numbers.length + words.reduce((a, b) => a + b, 0));
  out.set(numbers);
  const bytes = new Uint8Array(out.buffer);
  let at = 4 * numbers.length;
  texts.forEach((t, i) => {
    bytes.set(t, at);
    at += 4 * words[i]!;
  });
  return out;
}

/** TensorFlow's graph messages, as tfjs brings them along for saved models. */
const messages = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Messages;

export const OUTSIDE = 'recorded work uses a tensor that is neither its input nor made of its inputs';

/** One piece of work being written down as a graph. */
export class Recording {
  private readonly graph = new messages.GraphDef();
  /** Where the tensor of an id comes from: a node and which of its outputs, as a graph names it. */
  private readonly sources = new Map<number, string>();
  private nodes = 0;

  constructor(private readonly binding: Binding, inputs: readonly number[], types: readonly number[]) {
    inputs.forEach((id, i) => {
      this.add(`a${i}`, 'Placeholder', [], (attributes) => attributes.set('dtype', value((v) => v.setType(types[i]!))));
      this.sources.set(id, `a${i}`);
    });
  }

  /** The binding, with what it is told written down on the way. */
  door(): Binding {
    return withCalls(this.binding, {
      executeOp: (op, attributes, ids, outputs) => {
        const inputs = ids.map((id) => this.source(id));
        const out = this.binding.executeOp(op, attributes, ids, outputs);
        const node = this.add(`n${this.nodes++}`, op, inputs, (map) => {
          for (const a of attributes) map.set(a.name, this.attribute(a));
          // tfjs leaves this one to be inferred, which a graph does not do.
          if (op === 'ExpandDims') map.set('T', value((v) => v.setType(out[0]!.dtype)));
        });
        out.forEach(({ id }, i) => this.sources.set(id, i ? `${node}:${i}` : node));
        return out;
      },
      createTensor: (shape, dtype, values) => {
        const id = this.binding.createTensor(shape, dtype, values);
        if (!smallValueOf(id)) this.constant(id, dtype, shape, values);
        return id;
      },
      // An id is given out once only, but what it stood for must not be taken for something else.
      deleteTensor: (id) => {
        if (!smallValueOf(id)) this.sources.delete(id);
        this.binding.deleteTensor(id);
      },
      tensorDataSync: () => { throw new Error('recorded work must not read values'); },
    });
  }

  /** (node, output of the node) of each tensor, through a node of its own: an output of a function is no input. */
  outputs(ids: readonly number[]): [node: number, output: number][] {
    return ids.map((id) => {
      this.add(`n${this.nodes}`, 'Identity', [this.source(id)], (map) => map.set('T', value((v) => v.setType(this.binding.TF_FLOAT))));
      return [this.nodes++, 0];
    });
  }

  definition(name: string, outputs: readonly [number, number][]): Int32Array {
    const version = new messages.VersionDef();
    // The first version of graphs in which all these ops are.
    version.setProducer(1882);
    this.graph.setVersions(version);
    const text = Buffer.from(name), graph = this.graph.serializeBinary();
    const inputs = this.graph.getNodeList().filter((n) => n.getOp() === 'Placeholder').length;
    return packed([text.length, graph.length, inputs, outputs.length, ...outputs.flat()], text, graph);
  }

  private source(id: number): string {
    const known = this.sources.get(id);
    if (known) return known;
    const small = smallValueOf(id);
    if (!small) throw new Error(OUTSIDE);
    return this.constant(id, small.dtype, small.shape, small.values);
  }

  private constant(id: number, dtype: number, shape: readonly number[], values: ArrayLike<number>): string {
    const tensor = new messages.Tensor(), dims = new messages.TensorShape();
    shape.forEach((size) => {
      const dim = new messages.TensorShape.Dim();
      dim.setSize(size);
      dims.addDim(dim);
    });
    tensor.setDtype(dtype);
    tensor.setTensorShape(dims);
    const array = dtype === this.binding.TF_INT32 ? Int32Array.from(values) : dtype === this.binding.TF_FLOAT ? Float32Array.from(values) : Uint8Array.from(values);
    tensor.setTensorContent(new Uint8Array(array.buffer));
    const node = this.add(`n${this.nodes++}`, 'Const', [], (map) => {
      map.set('dtype', value((v) => v.setType(dtype)));
      map.set('value', value((v) => v.setTensor(tensor)));
    });
    this.sources.set(id, node);
    return node;
  }

  private attribute({ type, value: given }: EngineAttribute): Message {
    const { TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_STRING } = this.binding;
    return value((v) => {
      if (Array.isArray(given)) throw new Error('recorded work has an op with a list for an attribute');
      if (type === TF_ATTR_INT) v.setI(given);
      else if (type === TF_ATTR_FLOAT) v.setF(given);
      else if (type === TF_ATTR_TYPE) v.setType(given);
      else if (type === TF_ATTR_BOOL) v.setB(given);
      else if (type === TF_ATTR_STRING) v.setS(Buffer.from(String(given)));
      else throw new Error(`recorded work has an op with an attribute of type ${type}`);
    });
  }

  private add(name: string, op: string, inputs: readonly string[], describe: (attributes: Map<string, Message>) => void): string {
    const node = new messages.NodeDef();
    node.setName(name);
    node.setOp(op);
    node.setInputList([...inputs]);
    describe(node.getAttrMap() as Map<string, Message>);
    this.graph.addNode(node);
    return name;
  }
}

function value(fill: (v: Message) => void): Message {
  const v = new messages.AttrValue();
  fill(v);
  return v;
}

/** A protocol buffer message of api_pb.js, which has no types of its own. */
interface Message {
  setName(x: string): void; setOp(x: string): void; getOp(): string; setInputList(x: string[]): void; getAttrMap(): unknown;
  addNode(x: Message): void; getNodeList(): Message[]; setVersions(x: Message): void; setProducer(x: number): void; serializeBinary(): Uint8Array;
  setI(x: unknown): void; setF(x: unknown): void; setB(x: unknown): void; setS(x: unknown): void; setType(x: unknown): void; setTensor(x: Message): void;
  setDtype(x: number): void; setTensorShape(x: Message): void; setTensorContent(x: Uint8Array): void; addDim(x: Message): void; setSize(x: number): void;
}
type Make = new () => Message;
interface Messages {
  GraphDef: Make; NodeDef: Make; AttrValue: Make; Tensor: Make; VersionDef: Make; TensorShape: Make & { Dim: Make };
}
