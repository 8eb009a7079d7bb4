"""Writes tiny random decoders with the head of a sequence classifier, and what Transformers computes with them.

    python make_classifiers.py

Each case is a folder with the files of `save_pretrained` and `expected.safetensors`:

    ids, lengths            [3, T] right-padded rows, and how long each is
    logits                  [3, C] of the padded batch, or of each row by itself where no padding token is defined
    left                    [3, C] of the same rows padded on the left
    labels, loss            of the batch
    gradient.<name>         of the loss, for some parameters

A row may end with the token of padding, or hold nothing else: Transformers passes over it there.
Weights are random in every part: initial values of zero or one would hide a bias or a norm that is left out.
`classifier-versions.json` says with what the files were made.
"""

import json
import os
import shutil

import safetensors.torch
import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification

from make_models import GEMMA, GPT2, LLAMA, MISTRAL, PHI3, QWEN2, QWEN3, VOCAB, positions_of, randomise

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20270
# name: configuration, the ends of rows, parameters whose gradient is stored
CASES = {
    "gpt2-classes": (dict(GPT2, num_labels=3, pad_token_id=2), [[], [2, 2], [2]],
                     ["transformer.h.0.attn.c_attn.weight", "transformer.ln_f.weight", "score.weight"]),
    "llama-classes": (dict(LLAMA, num_labels=2), [[], [], []],
                      ["model.layers.1.mlp.up_proj.weight", "model.embed_tokens.weight"]),
    "mistral-classes": (dict(MISTRAL, num_labels=4, sliding_window=4, pad_token_id=0), [[], [], []],
                        ["model.layers.0.self_attn.v_proj.weight"]),
    "qwen2-classes": (dict(QWEN2, num_labels=3, pad_token_id=5, tie_word_embeddings=True), [[5], [], []],
                      ["model.norm.weight"]),
    "qwen3-classes": (dict(QWEN3, num_labels=3, pad_token_id=2), [[], [2], []],
                      ["model.layers.0.self_attn.q_norm.weight", "model.layers.1.self_attn.k_norm.weight"]),
    "gemma-classes": (dict(GEMMA, num_labels=3), [[], [], []],
                      ["model.embed_tokens.weight", "model.layers.1.input_layernorm.weight"]),
    "phi3-classes": (dict(PHI3, num_labels=3), [[], [], []],
                     ["model.layers.0.self_attn.qkv_proj.weight", "model.layers.1.mlp.gate_up_proj.weight"]),
}
LENGTHS = [12, 7, 1]


def rows_of(ends, generator):
    rows = []
    for length, end in zip(LENGTHS, ends):
        row = torch.randint(6, VOCAB, (length,), generator=generator)
        if end:
            row[-len(end):] = torch.tensor(end)
        rows.append(row)
    return rows


def run(model, rows, on_left, **more):
    padding = model.config.pad_token_id
    if padding is None:
        # Of several rows Transformers takes none without a token of padding.
        return torch.cat([model(row[None]).logits for row in rows])
    longest = max(LENGTHS)
    side = (lambda n: (longest - n, 0)) if on_left else (lambda n: (0, longest - n))
    ids = torch.stack([torch.nn.functional.pad(r, side(len(r)), value=padding) for r in rows])
    mask = torch.stack([torch.nn.functional.pad(torch.ones(len(r), dtype=torch.long), side(len(r))) for r in rows])
    return model(ids, attention_mask=mask, position_ids=positions_of(mask)).logits


def expected(model, ends, wanted, generator):
    rows = rows_of(ends, generator)
    labels = torch.tensor([1, 0, 1])
    logits = run(model, rows, on_left=False)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    result = {f"gradient.{name}": gradients[name] for name in wanted}
    with torch.no_grad():
        result["left"] = run(model, rows, on_left=True)
    longest = max(LENGTHS)
    ids = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r))) for r in rows])
    result |= dict(ids=ids, lengths=torch.tensor(LENGTHS), logits=logits.detach(), labels=labels, loss=loss.detach())
    return {name: value.contiguous() if value.is_floating_point() else value.to(torch.int32)
            for name, value in result.items()}


def main():
    for number, (name, (fields, ends, wanted)) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(SEED + number)
        folder = os.path.join(HERE, name)
        config = AutoConfig.for_model(**fields)
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
        randomise(model, generator)
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        tensors = expected(model, ends, wanted, generator)
        safetensors.torch.save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(HERE, "classifier-versions.json"), "w") as file:
        json.dump(dict(seed=SEED, torch=torch.__version__, transformers=transformers.__version__,
                       safetensors=safetensors.__version__), file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
