/** What a trainer trains: named parameters, and their gradients for the tasks of a step. */
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import type { Draw } from './draws.js';

export interface Gradients {
  /** Mean loss a target token, nats. */
  loss: number;
  /** One for each parameter, in their order. */
  gradients: Tensor[];
  /** Tokens that went through the model, padding included. */
  tokens: number;
}

export interface Learner {
  parameters: Tensor[];
  names: string[];
  /** `parameters` are the present values of this learner's parameters. */
  gradients(parameters: Tensor[], draw: Draw): Gradients;
  /** Mean loss a target token over validation tasks, nats. */
  validationLoss(parameters: Tensor[]): number;
}

/** The sum of scalars that are done with; a GPU is asked once, when everything is under way. */
export function readSum(scalars: Tensor[]): number {
  const values = tidy(() => tf.stack(scalars).dataSync<'float32'>());
  tf.dispose(scalars);
  return values.reduce((a, b) => a + b, 0);
}
