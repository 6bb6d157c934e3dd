/**
 * The files of the released checkpoints, as published (`.pt`) or converted: a safetensors file whose tensors are named
 * by their way through the dicts, `state_dict.trunk.0.weight`, and whose metadata holds all else as JSON by name.
 */
import type { ReleasedDirect, ReleasedGru, State } from '../../hypernet/released.js';
import { UserError } from '../../store/errors.js';
import type { SafetensorsFile } from '../../store/safetensors.js';
import { jsonOf, readTorchFile, tensorsOf } from '../../store/torch-file/torch-file.js';

export type Released = { direct: ReleasedDirect } | { gru: ReleasedGru };

/** @throws UserError when it is no checkpoint, or not of this method; nothing in it is executed. */
export function readReleased(path: string): Released {
  const value = readTorchFile(path);
  return assemble(path, value instanceof Map ? new Set([...value.keys()].map(String)) : new Set(),
    (name) => tensorsOf(value, [name]), (name) => jsonOf(value, [name]));
}

/** @param file stays open while tensors are read. Throws as `readReleased` does. */
export function readConverted(path: string, file: SafetensorsFile): Released {
  const names = new Set([...[...file.entries.keys()].map((name) => name.split('.', 1)[0]!), ...Object.keys(file.metadata)]);
  const state = (part: string): State => new Map([...file.entries].filter(([name]) => name.startsWith(`${part}.`))
    .map(([name, { shape }]) => [name.slice(part.length + 1), { shape, read: () => file.read(name) }]));
  const json = (name: string): unknown => {
    try {
      return JSON.parse(file.metadata[name]!);
    } catch {
      throw new UserError(`${path}: its metadata "${name}" is not JSON: convert the checkpoint again.`);
    }
  };
  return assemble(path, names, state, json);
}

function assemble(path: string, names: ReadonlySet<string>, state: (name: string) => State, json: (name: string) => unknown): Released {
  const record = (name: string): Record<string, unknown> => {
    const value = names.has(name) ? json(name) : {};
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  };
  if (names.has('state_dict')) return { direct: { state_dict: state('state_dict'), config: record('config'), args: record('args') } };
  if (names.has('gru_state') && names.has('head_state')) {
    return {
      gru: {
        gru_state: state('gru_state'), head_state: state('head_state'), head_config: record('head_config'), args: record('args'),
        per_step_input: names.has('per_step_input') ? String(json('per_step_input')) : 'diff',
      },
    };
  }
  throw new UserError(`${path} is no checkpoint of Code2LoRA: it has neither state_dict (code2lora-direct) nor gru_state and ` +
    `head_state (code2lora-gru), but ${[...names].slice(0, 6).join(', ') || 'nothing'}.`);
}
