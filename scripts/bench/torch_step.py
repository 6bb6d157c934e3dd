"""Code2LoRA-Static's training step in plain PyTorch, as its authors structure it: the step to beat.

A frozen Qwen2 model with random weights, a head that writes one (A, B) a projection type for all layers, cross-entropy
over the last tokens of each sequence, AdamW on the head.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

TYPES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class LoRA(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base, self.a, self.b = base, None, None

    def forward(self, x):
        return self.base(x) + 2.0 * F.linear(F.linear(x, self.a), self.b)


class Head(nn.Module):
    def __init__(self, width, inputs, rank, shapes):
        super().__init__()
        self.width, self.rank = width, rank
        self.trunk = nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.a = nn.ModuleDict({t: nn.Linear(width, rank * shapes[t][0]) for t in TYPES})
        self.b = nn.ModuleDict({t: nn.Linear(width, rank * shapes[t][1]) for t in TYPES})
        self.scales = nn.Parameter(torch.full((2 * len(TYPES),), -3.5))

    def write(self, vector, modules):
        x = F.normalize(self.trunk(vector), dim=-1) * math.sqrt(self.width)
        for i, t in enumerate(TYPES):
            a = torch.tanh(self.a[t](x)).view(self.rank, -1) * self.scales[2 * i].exp()
            b = torch.tanh(self.b[t](x)).view(-1, self.rank) * self.scales[2 * i + 1].exp()
            for module in modules[t]:
                module.a, module.b = a, b


def random_config(c):
    return Qwen2Config(
        vocab_size=c["vocabSize"], hidden_size=c["hidden"], num_hidden_layers=c["layers"], num_attention_heads=c["heads"],
        num_key_value_heads=c["kvHeads"], intermediate_size=c["mlp"], max_position_embeddings=4096, tie_word_embeddings=True,
        attn_implementation="sdpa")


def steps(job):
    c = job["config"]
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(random_config(c)).to(torch.get_default_device())
    model.requires_grad_(False)
    modules, shapes = {t: [] for t in TYPES}, {}
    for name, child in list(model.named_modules()):
        parent, _, kind = name.rpartition(".")
        if kind in TYPES:
            wrapped = LoRA(child)
            setattr(model.get_submodule(parent), kind, wrapped)
            modules[kind].append(wrapped)
            shapes[kind] = (child.in_features, child.out_features)
    head = Head(job["width"], job["input"], job["rank"], shapes)
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-4)
    ids = torch.randint(0, c["vocabSize"], (job["batch"], job["tokens"]))
    labels = ids.clone()
    labels[:, :job["tokens"] - job["target"]] = -100
    vector = torch.randn(1, job["input"])

    def run():
        for _ in range(job["steps"]):
            head.write(vector, modules)
            model(input_ids=ids, labels=labels).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        return []
    return run
