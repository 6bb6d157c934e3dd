"""The other side of race.mjs: python transformers_worker.py JOB_JSON. Does the job once for every line of standard input.

Prints {"seconds", "result"} each time. Jobs: `generate`, greedily, until EOS or a token that holds a line break, for
batches of prompts padded on the left; `embed`, the mean over each window of the final hidden states; `train`, steps of
Code2LoRA-Static in plain PyTorch, as its authors structure it (torch_step.py). Without a folder, a model's weights are random. With "device": "cuda" on a GPU, with or without "tf32".
"""
import json
import os
import sys
import time

import torch
from transformers import AutoModel, AutoModelForCausalLM

from torch_step import random_config

torch.set_num_threads(os.cpu_count())
with open(sys.argv[1], encoding="utf-8") as file:
    job = json.load(file)
cuda = job.get("device") == "cuda"
if cuda:
    torch.set_default_device("cuda")
    torch.backends.cuda.matmul.allow_tf32 = job["tf32"]


def load(kind):
    if "model" in job:
        model = kind.from_pretrained(job["model"], dtype=torch.float32)
    else:
        model = kind.from_config(random_config(job["config"]), dtype=torch.float32)
    return model.eval().to("cuda" if cuda else "cpu")


def generator():
    model = load(AutoModelForCausalLM)

    def generate(prompts):
        longest = max(map(len, prompts))
        ids = torch.tensor([[job["eos"]] * (longest - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        out = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=job["maxNewTokens"],
                             eos_token_id=[job["eos"], *job["lineBreaks"]], pad_token_id=job["eos"])
        return out[:, longest:].tolist()
    return generate


def embedder():
    model = load(AutoModel)
    return lambda windows: model(input_ids=torch.tensor(windows)).last_hidden_state.mean(1).tolist()


def by_batch(work):
    def run():
        with torch.inference_mode():
            return [row for batch in job["batches"] for row in work(batch)]
    return run


if job["task"] == "train":
    from torch_step import steps
    run = steps(job)
else:
    run = by_batch({"generate": generator, "embed": embedder}[job["task"]]())
for _ in sys.stdin:
    began = time.perf_counter()
    result = run()
    if cuda:
        torch.cuda.synchronize()
    print(json.dumps({"seconds": time.perf_counter() - began, "result": result}), flush=True)
