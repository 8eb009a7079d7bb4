"""Writes tiny random models of every family, and what Transformers computes with them.

    python make_models.py

Each case is a folder with the files of `save_pretrained` and `expected.safetensors`:

    ids, lengths            [3, T] right-padded rows, and how long each is
    right                   logits of the padded batch
    left                    logits of the same rows padded on the left, positions counted from the first token
    short_ids, short        [2, 5] and their logits, for scalings that depend on the length
    labels, loss            labels with -100 at padding and elsewhere, and the loss
    greedy                  [3, 8] tokens that `generate` adds to the batch padded on the left
    penalty                 [3, 8] tokens that it adds to each row alone with a repetition penalty of 1.3

Weights are random in every part: initial values of zero or one would hide a bias or a norm that is left out.
`versions.json` says with what the files were made.
"""

import json
import os
import shutil

import safetensors.torch
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20240
VOCAB, WIDTH, LENGTHS, NEW = 48, 16, [12, 7, 1], 8

GPT2 = dict(model_type="gpt2", vocab_size=VOCAB, n_embd=WIDTH, n_layer=2, n_head=2, n_positions=24,
            bos_token_id=1, eos_token_id=2)
ROTARY = dict(vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=24, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
              bos_token_id=1, eos_token_id=2)
LLAMA = dict(ROTARY, model_type="llama")
MISTRAL = dict(ROTARY, model_type="mistral")
QWEN2 = dict(ROTARY, model_type="qwen2")
QWEN3 = dict(ROTARY, model_type="qwen3", head_dim=6)
GEMMA = dict(ROTARY, model_type="gemma", head_dim=6, pad_token_id=0)
PHI3 = dict(ROTARY, model_type="phi3", pad_token_id=0)
ONE = dict(num_hidden_layers=1)

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16, rope_theta=10000.0)
# name: configuration, element type, how the folder differs from what is saved today
CASES = {
    "gpt2": (dict(GPT2, n_inner=24), "bfloat16", ""),
    "gpt2-untied": (dict(GPT2, n_layer=1, activation_function="gelu", tie_word_embeddings=False,
                         layer_norm_epsilon=1e-3), "float32", ""),
    "gpt2-bare": (dict(GPT2, n_layer=1, activation_function="relu"), "float32", "bare"),
    "llama": (dict(LLAMA, head_dim=6, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
                   rms_norm_eps=1e-3), "float32", ""),
    "llama-sharded": (dict(LLAMA, hidden_act="gelu_pytorch_tanh"), "bfloat16", "sharded"),
    "llama-linear": (dict(LLAMA, **ONE, rope_parameters=dict(
        rope_type="linear", factor=4.0, rope_theta=500.0)), "bfloat16", ""),
    "llama-llama3": (dict(LLAMA, head_dim=16, **ONE, rope_parameters=LLAMA3), "bfloat16", "older"),
    "llama-dynamic": (dict(LLAMA, max_position_embeddings=8, head_dim=8, rope_parameters=dict(
        rope_type="dynamic", factor=2.0, rope_theta=100.0)), "bfloat16", "oldest"),
    "mistral": (dict(MISTRAL, sliding_window=4), "float16", ""),
    "mistral-full": (dict(MISTRAL, **ONE, sliding_window=None, head_dim=8), "bfloat16", ""),
    "qwen2": (dict(QWEN2, tie_word_embeddings=True), "bfloat16", ""),
    "qwen2-window": (dict(QWEN2, use_sliding_window=True, sliding_window=3, max_window_layers=1),
                     "bfloat16", "no layer_types"),
    "qwen2-types": (dict(QWEN2, use_sliding_window=True, sliding_window=3,
                         layer_types=["sliding_attention", "full_attention"]), "bfloat16", ""),
    "qwen3": (dict(QWEN3, tie_word_embeddings=True), "bfloat16", ""),
    "qwen3-window": (dict(QWEN3, attention_bias=True, use_sliding_window=True, sliding_window=3, max_window_layers=1),
                     "bfloat16", "no layer_types"),
    "gemma": (dict(GEMMA, num_key_value_heads=1), "bfloat16", ""),
    "gemma-older": (dict(GEMMA, **ONE, attention_bias=True), "bfloat16", "gelu"),
    "phi3": (dict(PHI3, sliding_window=4), "bfloat16", ""),
    "phi3-full": (dict(PHI3, **ONE, tie_word_embeddings=True), "bfloat16", ""),
}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        parameter.data = 1 + 0.2 * noise if is_norm else 0.3 * noise


def edit_config(folder, edit):
    path = os.path.join(folder, "config.json")
    with open(path) as file:
        config = json.load(file)
    edit(config)
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def to_older(config, key="rope_type"):
    scaling = config.pop("rope_parameters")
    config["rope_theta"] = scaling.pop("rope_theta")
    scaling[key] = scaling.pop("rope_type")
    config["rope_scaling"] = scaling
    config["torch_dtype"] = config.pop("dtype")


def save(model, folder, how):
    shutil.rmtree(folder, ignore_errors=True)
    if how == "bare":
        # As the first checkpoints: names without a prefix, and masks among the tensors.
        model.transformer.save_pretrained(folder)
        path = os.path.join(folder, "model.safetensors")
        tensors = safetensors.torch.load_file(path)
        tensors = {name.removeprefix("transformer."): value for name, value in tensors.items()}
        for layer in range(model.config.n_layer):
            tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 4, 4, dtype=torch.uint8).tril()
            tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    elif how == "sharded":
        model.save_pretrained(folder, max_shard_size="5KB")
        index_path = os.path.join(folder, "model.safetensors.index.json")
        with open(index_path) as file:
            index = json.load(file)
        first = sorted(set(index["weight_map"].values()))[0]
        path = os.path.join(folder, first)
        tensors = safetensors.torch.load_file(path)
        name = "model.layers.0.self_attn.rotary_emb.inv_freq"
        tensors[name] = torch.ones(2)
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
        index["weight_map"][name] = first
        with open(index_path, "w") as file:
            json.dump(index, file, indent=2)
            file.write("\n")
    else:
        model.save_pretrained(folder)
    if how == "older":
        edit_config(folder, to_older)
    if how == "oldest":
        edit_config(folder, lambda config: to_older(config, "type"))
    if how == "gelu":
        edit_config(folder, lambda config: config.update(hidden_act="gelu", hidden_activation=None))
    if how == "no layer_types":
        edit_config(folder, lambda config: config.pop("layer_types"))
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)


def positions_of(mask):
    return (mask.cumsum(-1) - 1).clamp(min=0)


@torch.no_grad()
def expected(folder, is_dynamic, generator):
    def fresh():
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()

    longest = max(LENGTHS)
    rows = [torch.randint(1, VOCAB, (n,), generator=generator) for n in LENGTHS]
    right = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r))) for r in rows])
    left = torch.stack([torch.nn.functional.pad(r, (longest - len(r), 0)) for r in rows])
    right_mask = torch.stack([(torch.arange(longest) < n).long() for n in LENGTHS])
    left_mask = right_mask.flip(1)
    short = torch.randint(1, VOCAB, (2, 5), generator=generator)
    labels = right.masked_fill(right_mask == 0, -100)
    labels[0, :4] = -100
    labels[1, 5] = -100

    result = dict(ids=right, lengths=torch.tensor(LENGTHS), labels=labels, short_ids=short)
    model = fresh()
    # The scaling keeps the largest length that it has seen: shorter rows come first.
    result["short"] = model(short).logits
    output = model(right, attention_mask=right_mask, labels=labels)
    result["right"], result["loss"] = output.logits, output.loss
    result["left"] = fresh()(
        left, attention_mask=left_mask, position_ids=positions_of(left_mask)).logits
    # Dynamic frequencies change with the length, which keys that are cached turned do not.
    options = dict(max_new_tokens=NEW, do_sample=False, pad_token_id=0, eos_token_id=None,
                   use_cache=not is_dynamic)
    result["greedy"] = fresh().generate(
        left, attention_mask=left_mask, **options)[:, longest:]
    result["penalty"] = torch.stack([
        fresh().generate(
            row[None], attention_mask=torch.ones_like(row[None]), repetition_penalty=1.3,
            **options)[0, len(row):] for row in rows])
    return {name: value.contiguous() if value.is_floating_point() else value.to(torch.int32)
            for name, value in result.items()}


def main():
    for number, (name, (fields, dtype, how)) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(SEED + number)
        folder = os.path.join(HERE, name)
        config = AutoConfig.for_model(**fields)
        model = AutoModelForCausalLM.from_config(config)
        randomise(model, generator)
        model.tie_weights()
        save(model.to(getattr(torch, dtype)), folder, how)
        tensors = expected(folder, "dynamic" in name, generator)
        safetensors.torch.save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(HERE, "versions.json"), "w") as file:
        json.dump(dict(seed=SEED, torch=torch.__version__, transformers=transformers.__version__,
                       safetensors=safetensors.__version__), file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
