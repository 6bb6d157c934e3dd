/** Adapters for any repository: what notebooks import from here. */
export { averageAdapters } from '../../lora/adapter.js';
export { savePeft } from '../../lora/peft.js';
export { adapt, type Adapted } from './adapt.js';
export { type Checkpoint, openCheckpoint } from './checkpoint.js';
export { assertionsOf, type Completion, completions, targetNats, type UnderEach } from './completions.js';
export { openRepository, type OpenedRepository } from './repository.js';
export { trainedCheckpoint } from './trained-checkpoint.js';
