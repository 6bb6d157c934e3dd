/**
 * Window vectors on disk by the content of the text, one file each. A text is encoded once for all repositories,
 * commits and poolings: of consecutive commits only what changed costs a forward pass.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../store/errors.js';
import { hashJson } from '../store/hash.js';
import { readSafetensors, storeSafetensors } from '../store/safetensors.js';
import type { Embedder } from './embedder.js';
import type { WindowRecipe } from './recipe.js';
import { textVectors, type WindowVectors } from './text-vectors.js';

/** Raised by one when the same text, model and recipe give other vectors than before. */
const VERSION = 1;

/** A text and the name of its content. */
export interface BlobText {
  blob: string;
  text: string;
}

/** git's name of a file's content. */
export function blobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export class VectorCache {
  /** Texts found on disk, encoded, and encoded again because what was on disk is damaged. */
  readonly counts = { found: 0, encoded: 0, damaged: 0 };
  readonly #folder: string;

  /**
   * @param folder for all models and recipes: each has a folder of its own in it
   * @param tick is told the tokens encoded after each batch
   */
  constructor(folder: string, readonly embedder: Embedder, readonly recipe: WindowRecipe, readonly tick: (tokens: number) => void = () => {}) {
    const { window, overlap, minTail, keepFirst, maxWindows, endToken, inside } = recipe;
    this.#folder = join(folder, hashJson([VERSION, embedder.key, { window, overlap, minTail, keepFirst, maxWindows, endToken, inside }]).slice(0, 12));
  }

  /** Encodes those of these texts that are not on disk, together: few at a time would leave batches half empty. */
  async ensure(texts: readonly BlobText[]): Promise<void> {
    await this.#encode(this.#missing(texts));
  }

  #missing(texts: readonly BlobText[]): BlobText[] {
    return [...new Map(texts.map((text) => [text.blob, text])).values()].filter(({ blob }) => !existsSync(this.#path(blob)));
  }

  /** The window vectors of each text, in order. Those on disk come as they are there, bit by bit. */
  async *windowVectors(texts: readonly BlobText[]): AsyncGenerator<WindowVectors> {
    const missing = this.#missing(texts);
    this.counts.found += texts.length - missing.length;
    await this.#encode(missing);
    for (const text of texts) {
      let stored = this.#read(text.blob);
      if (!stored) {
        this.counts.damaged++;
        this.counts.found--;
        await this.#encode([text]);
        stored = this.#read(text.blob)!;
      }
      yield stored;
    }
  }

  async #encode(texts: readonly BlobText[]): Promise<void> {
    let i = 0;
    for await (const { tokens, vectors } of textVectors(texts.map(({ text }) => text), this.embedder, this.recipe, this.tick)) {
      const { hidden } = this.embedder;
      const data = new Float32Array(vectors.length * hidden);
      vectors.forEach((v, row) => { data.set(v, row * hidden); });
      storeSafetensors(this.#path(texts[i++]!.blob), new Map([['windows', { shape: [vectors.length, hidden], data }]]), { tokens: String(tokens) });
      this.counts.encoded++;
    }
  }

  /** Undefined when the file is not what was written. */
  #read(blob: string): WindowVectors | undefined {
    const { hidden } = this.embedder;
    try {
      const { tensors, metadata } = readSafetensors(this.#path(blob));
      const windows = tensors.get('windows'), tokens = Number(metadata['tokens']);
      if (windows?.shape[1] !== hidden || !(tokens >= 0) || !windows.data.every(Number.isFinite)) return undefined;
      const rows = Array.from({ length: windows.shape[0]! }, (_, i) => windows.data.subarray(i * hidden, (i + 1) * hidden) as Float32Array);
      return { tokens, vectors: rows };
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  #path(blob: string): string {
    return join(this.#folder, blob.slice(0, 2), `${blob.slice(2)}.safetensors`);
  }
}
