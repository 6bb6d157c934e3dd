"""Greedy continuations by transformers from a GGUF file: `greedy.py FILE TOKENS` reads prompts from standard input, a list as JSON, and writes ids,
continuations, and by how much each of their tokens was ahead of the next best, in logits."""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

path, tokens = sys.argv[1], int(sys.argv[2])
folder, file = os.path.split(path)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
# No end: continuations of one length are compared to their last token, one that would end them among the others.
model.generation_config.eos_token_id = None
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
rows = []
with torch.no_grad():
    for prompt in json.load(sys.stdin):
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        made = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=tokens,
                              do_sample=False, repetition_penalty=1.0, pad_token_id=0, return_dict_in_generate=True, output_logits=True)
        best = [step[0].topk(2).values for step in made.logits]
        rows.append({"ids": ids, "continuation": made.sequences[0, len(ids):].tolist(), "ahead": [float(a - b) for a, b in best]})
print(json.dumps(rows))
