/**
 * A pickle machine (protocols 2 to 5) that runs nothing. Python's calls whatever a pickle names; this one knows a
 * fixed list of names, each standing for a function here that only builds a value, and refuses every other by name.
 * What a pickle can make it hold is bounded: its bytes, its steps and its stack.
 */

/** What a pickle does that it must not; completes "the pickle ...". Functions of the known names may throw it too. */
export class Refusal extends Error {}

/** A value that no weight needs (a data type, a device, a set of bytes): it is carried along, and refused where it is used. */
export class Opaque {
  /** @param what it is, in a few words */
  constructor(readonly what: string) {}
}
/** What stands for a Python class or function. Without `call` it may be named but not called. */
export class Known {
  constructor(readonly call?: (args: unknown[]) => unknown) {}
}
/** A dict of a subclass: attributes may be set on it, which are passed over. */
export class OrderedDict extends Map<string | number, unknown> {}
/** An object that is no more than its attributes. */
export class Attributes extends Map<string | number, unknown> {}

/** A checkpoint takes some 25 steps and 200 bytes a tensor. */
const MAX_BYTES = 1 << 24;
const MAX_STEPS = 1_000_000;
/** Python batches lists and dicts by a thousand items. */
const MAX_STACK = 100_000;

/** By `module.name`: what is built when they are called, or an Opaque that stands for them. */
export type Names = ReadonlyMap<string, Known | Opaque>;

/**
 * The value of a pickle: dicts are Maps, lists, tuples and sets arrays, integers beyond 2^53 bigints.
 * @param persistent what a persistent id stands for
 * Throws a Refusal.
 */
export function unpickle(bytes: Buffer, names: Names, persistent: (id: unknown) => unknown): unknown {
  return new Machine(bytes, names, persistent).run();
}

class Machine {
  readonly #stack: unknown[] = [];
  /** Where on the stack each open list, tuple or dict begins. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;
  #steps = 0;

  constructor(
    readonly bytes: Buffer, readonly names: Names, readonly persistent: (id: unknown) => unknown,
  ) {}

  run(): unknown {
    if (this.bytes.length > MAX_BYTES) throw new Refusal(`has more than ${MAX_BYTES} bytes, far more than a checkpoint needs`);
    if (this.#byte() !== 0x80) throw new Refusal('is of a protocol older than 2');
    const protocol = this.#byte();
    if (protocol < 2 || protocol > 5) throw new Refusal(`is of protocol ${protocol}, where 2 to 5 are known`);
    for (;;) {
      this.#spend(1);
      const opcode = this.#byte();
      if (opcode === 0x2e) break;
      this.#step(opcode);
      if (this.#stack.length + this.#marks.length > MAX_STACK) {
        throw new Refusal('opens more values at once than a checkpoint needs');
      }
    }
    if (this.#stack.length !== 1 || this.#marks.length) throw new Refusal('does not end in one value');
    return this.#stack[0];
  }

  #step(opcode: number): void {
    const stack = this.#stack;
    switch (opcode) {
      case 0x95: { // FRAME
        const length = Number(this.#take(8).readBigUInt64LE());
        if (this.#at + length > this.bytes.length) throw this.#early();
        break;
      }
      case 0x28: this.#marks.push(stack.length); break; // MARK

      case 0x4e: stack.push(null); break; // NONE
      case 0x88: stack.push(true); break; // NEWTRUE
      case 0x89: stack.push(false); break; // NEWFALSE
      case 0x4b: stack.push(this.#byte()); break; // BININT1
      case 0x4d: stack.push(this.#take(2).readUInt16LE()); break; // BININT2
      case 0x4a: stack.push(this.#take(4).readInt32LE()); break; // BININT
      case 0x8a: stack.push(integer(this.#take(this.#byte()))); break; // LONG1
      case 0x8b: stack.push(integer(this.#take(this.#take(4).readUInt32LE()))); break; // LONG4
      case 0x47: stack.push(this.#take(8).readDoubleBE()); break; // BINFLOAT
      case 0x8c: stack.push(this.#text(this.#byte())); break; // SHORT_BINUNICODE
      case 0x58: stack.push(this.#text(this.#take(4).readUInt32LE())); break; // BINUNICODE
      case 0x8d: stack.push(this.#text(this.#long())); break; // BINUNICODE8
      case 0x43: stack.push(this.#bytes(this.#byte())); break; // SHORT_BINBYTES
      case 0x42: stack.push(this.#bytes(this.#take(4).readUInt32LE())); break; // BINBYTES
      case 0x8e: case 0x96: stack.push(this.#bytes(this.#long())); break; // BINBYTES8, BYTEARRAY8

      case 0x5d: stack.push([]); break; // EMPTY_LIST
      case 0x61: this.#append([this.#pop()]); break; // APPEND
      case 0x65: this.#append(this.#marked()); break; // APPENDS
      case 0x29: stack.push([]); break; // EMPTY_TUPLE
      case 0x85: stack.push(this.#last(1)); break; // TUPLE1
      case 0x86: stack.push(this.#last(2)); break; // TUPLE2
      case 0x87: stack.push(this.#last(3)); break; // TUPLE3
      case 0x74: stack.push(this.#marked()); break; // TUPLE
      case 0x8f: stack.push([]); break; // EMPTY_SET
      case 0x90: this.#append(this.#marked()); break; // ADDITEMS
      case 0x91: stack.push(this.#marked()); break; // FROZENSET
      case 0x7d: stack.push(new Map()); break; // EMPTY_DICT
      case 0x73: this.#setItems(this.#last(2)); break; // SETITEM
      case 0x75: this.#setItems(this.#marked()); break; // SETITEMS

      case 0x71: this.#memo.set(this.#byte(), this.#top()); break; // BINPUT
      case 0x72: this.#memo.set(this.#take(4).readUInt32LE(), this.#top()); break; // LONG_BINPUT
      case 0x94: this.#memo.set(this.#memo.size, this.#top()); break; // MEMOIZE
      case 0x68: stack.push(this.#recall(this.#byte())); break; // BINGET
      case 0x6a: stack.push(this.#recall(this.#take(4).readUInt32LE())); break; // LONG_BINGET

      case 0x63: stack.push(this.#named(this.#line(), this.#line())); break; // GLOBAL
      case 0x93: { // STACK_GLOBAL
        const [module, name] = this.#last(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw new Refusal('has a name that is not text');
        stack.push(this.#named(module, name));
        break;
      }
      case 0x69: // INST: a name and a call in one, which Python writes in protocol 0 only
        this.#named(this.#line(), this.#line());
        throw new Refusal('calls by INST, which torch.save never writes');
      case 0x52: // REDUCE
      case 0x81: { // NEWOBJ
        const [callable, args] = this.#last(2);
        stack.push(this.#call(callable, args));
        break;
      }
      case 0x92: { // NEWOBJ_EX, with arguments by name
        const [callable, args] = this.#last(3);
        stack.push(this.#call(callable, args));
        break;
      }
      case 0x62: this.#build(this.#pop()); break; // BUILD
      case 0x51: stack.push(this.persistent(this.#pop())); break; // BINPERSID

      default:
        throw new Refusal(`has the opcode 0x${opcode.toString(16)} at byte ${this.#at - 1}, which torch.save never writes`);
    }
  }

  #named(module: string, name: string): Known | Opaque {
    const full = `${module}.${name}`;
    const known = this.names.get(full);
    if (known) return known;
    // One line, whatever the pickle has in it.
    const shown = full.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
    throw new Refusal(`asks for ${shown}, which a checkpoint has no need of`);
  }

  #call(callable: unknown, args: unknown): unknown {
    if (!(callable instanceof Known && callable.call && Array.isArray(args))) {
      throw new Refusal('calls something that is not a function');
    }
    // What is called may copy them.
    for (const arg of args as unknown[]) this.#spend(Array.isArray(arg) ? arg.length : arg instanceof Map ? arg.size : 0);
    return callable.call(args);
  }

  #build(state: unknown): void {
    const target = this.#top();
    if (target instanceof Opaque) return;
    if (!(state instanceof Map) || !(target instanceof Attributes || target instanceof OrderedDict)) {
      throw new Refusal('sets the state of a value that has none');
    }
    if (target instanceof OrderedDict) return;
    this.#spend(state.size);
    for (const [key, value] of state) target.set(key, value);
  }

  #append(items: unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new Refusal('appends to a value that is no list');
    for (const item of items) list.push(item);
  }

  #setItems(items: unknown[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2) throw new Refusal('sets items of a value that is no dict');
    for (let i = 0; i < items.length; i += 2) {
      dict.set(keyOf(items[i]), items[i + 1]);
    }
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index)) throw new Refusal('recalls a value that it never made');
    return this.#memo.get(index);
  }

  #top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.#empty();
    return this.#stack.at(-1);
  }

  #pop(): unknown {
    this.#top();
    return this.#stack.pop();
  }

  #last(count: number): unknown[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) throw this.#empty();
    return this.#stack.splice(-count);
  }

  #marked(): unknown[] {
    const from = this.#marks.pop();
    if (from === undefined) throw this.#empty();
    return this.#stack.splice(from);
  }

  #byte(): number {
    return this.#take(1)[0]!;
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.bytes.length) throw this.#early();
    return this.bytes.subarray(this.#at, this.#at += length);
  }

  #long(): number {
    return Number(this.#take(8).readBigUInt64LE());
  }

  #bytes(length: number): Opaque {
    this.#take(length);
    return new Opaque(`${length} bytes`);
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#early();
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new Refusal(`takes more than ${MAX_STEPS} steps, far more than a checkpoint needs`);
  }

  #early(): Refusal {
    return new Refusal('ends early');
  }
  #empty(): Refusal {
    return new Refusal('takes a value where there is none');
  }
}

/** Keys that are neither text nor number become text, as in JSON. */
function keyOf(key: unknown): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key;
  if (key === null || typeof key === 'boolean' || typeof key === 'bigint') return String(key);
  if (Array.isArray(key) && key.length <= 100 && key.every((part) => typeof part !== 'object' && typeof part !== 'function')) {
    if (key.reduce((sum: number, part) => sum + (typeof part === 'string' ? part.length : 0), 0) > MAX_KEY) throw new Refusal('has a key that is far too long');
    return `(${key.map(String).join(', ')})`;
  }
  return '(an object)';
}

/** Characters of a key that is a tuple. */
const MAX_KEY = 1 << 16;
/** Bytes of an integer: to write out a longer one as decimals takes for ever. */
const MAX_INTEGER = 64;

/** Little-endian two's complement. */
function integer(bytes: Buffer): number | bigint {
  if (!bytes.length) return 0;
  if (bytes.length > MAX_INTEGER) throw new Refusal(`has an integer of ${bytes.length} bytes`);
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
