/** What a trainer trains: named parameters, and their gradients for the tasks of a step. */
import type { Tensor } from '../engine/tensorflow.js';
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
