/** All methods, in the order of the tables. To add one is to add a file and a line here. */
import { code2loraEvo } from './code2lora-evo.js';
import { code2loraStatic, code2loraStaticPaper } from './code2lora-static.js';
import { dependencyContext } from './dependency-context.js';
import { fullFineTuning, fullFineTuningRag } from './full-fine-tuning.js';
import { headroomSource, headroomTests } from './headroom.js';
import type { Method } from './method.js';
import { paw } from './paw.js';
import { perRepoLora } from './per-repo-lora.js';
import { pretrained } from './pretrained.js';
import { rag, ragHybrid } from './rag.js';
import { singleLora } from './single-lora.js';
import { text2lora } from './text2lora.js';

export const methods: readonly Method[] = [
  pretrained, rag, ragHybrid, dependencyContext, fullFineTuning, fullFineTuningRag, singleLora, perRepoLora, text2lora, paw,
  code2loraStaticPaper, code2loraStatic, code2loraEvo, headroomTests, headroomSource,
];
export type { AdapterKind, Method, MethodInputs, Track } from './method.js';
