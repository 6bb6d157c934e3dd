/** All methods, in the order of the tables. To add one is to add a file and a line here. */
import { code2loraStatic } from './code2lora-static.js';
import type { Method } from './method.js';
import { pretrained } from './pretrained.js';
import { singleLora } from './single-lora.js';

export const methods: readonly Method[] = [pretrained, singleLora, code2loraStatic];
export type { Method, MethodContext } from './method.js';
