#!/usr/bin/env node
/**
 * The kernel of the notebooks: tslab, whose output socket never waits and loses nothing. From its 513th message on zeromq
 * sends some a moment later, and throws if the next comes before that: the cell that shows it, a progress bar perhaps,
 * would fail without a word. A publisher has nothing to wait for, and with a send timeout of 0 it does not. And it drops
 * what a slow reader has not taken once a thousand messages wait, unless there is no such limit.
 * A cell may load TensorFlow by another door than ours, so the engine's settings are made here. And the stop button ends what
 * a cell began, not only the cell.
 */
import '../../lib/dist/engine/environment.js';
import { createRequire } from 'node:module';
import { stopOnInterrupt } from '../../lib/dist/store/stop.js';

// As tslab finds it, so that it is the same module.
const require = createRequire(createRequire(import.meta.url).resolve('tslab'));
const zeromq = require('zeromq');
const { Publisher } = zeromq;
zeromq.Publisher = class extends Publisher {
  constructor(options) {
    super({ sendTimeout: 0, sendHighWaterMark: 0, ...options });
  }
};
stopOnInterrupt();
require('./main.js').main();
