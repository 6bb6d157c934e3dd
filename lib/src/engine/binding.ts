/** The native calls of tfjs: the door that everything passes on its way to TensorFlow. */

export interface EngineAttribute {
  name: string;
  type: number;
  value: number | boolean | string;
}
/** What an op has made: TensorFlow's own number of the tensor and of its type. */
export interface OpOutput {
  id: number;
  dtype: number;
  shape: number[];
}
/** Tensors are numbers. */
export interface Binding {
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_STRING: number;
  TF_FLOAT: number;
  TF_INT32: number;
  executeOp(name: string, attributes: EngineAttribute[], inputs: number[], outputs: number): OpOutput[];
  createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayLike<number>;
}

/** A binding that makes some of the calls in another way. The native one's own properties cannot be written to. */
export function withCalls(binding: Binding, calls: Partial<Binding>): Binding {
  return Object.create(binding, Object.fromEntries(Object.entries(calls).map(([name, value]) => [name, { value }]))) as Binding;
}
