"""Writes tiny random ViTs, and what Transformers computes with them.

    python make_vits.py

Each case is a folder with the files of `save_pretrained` and `expected.safetensors`:

    pixels                  [3, C, height, width]
    states                  [3, 1 + patches, D] hidden states after the last norm
    logits, labels, loss    of classifiers: [3, classes], [3], and the mean cross-entropy
    gradient.<name>         of the loss, for some parameters, by their names in memory
    pooled                  of bare models: [3, W]
    larger, larger.*        the same for pictures of another size, with interpolated positions

Weights are random in every part: initial values of zero or one would hide a bias or a norm that is left out. Some folders have
the names that modules have in memory, others those of checkpoints. `vit-versions.json` says with what the files were made.
"""

import json
import os
import shutil

import safetensors.torch
import torch
import transformers
from transformers import ViTConfig, ViTForImageClassification, ViTModel

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20261
SMALL = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4)
# name: class, configuration, parameters whose gradient is stored, size of larger pictures, whether names are those in memory
CASES = {
    "vit": (ViTForImageClassification, dict(image_size=8, patch_size=4, num_labels=3),
            ["vit.embeddings.cls_token", "vit.embeddings.position_embeddings",
             "vit.embeddings.patch_embeddings.projection.weight", "vit.layers.0.attention.q_proj.weight",
             "vit.layers.1.layernorm_before.weight", "vit.layers.1.mlp.fc2.bias", "classifier.weight"], (12, 20), False),
    "vit-uneven": (ViTForImageClassification,
                   dict(image_size=[6, 8], patch_size=[3, 2], num_channels=1, num_labels=2, qkv_bias=False,
                        hidden_act="gelu_new", layer_norm_eps=1e-3),
                   ["vit.layers.0.attention.o_proj.weight"], None, True),
    "vit-bare": (ViTModel, dict(image_size=9, patch_size=3, num_channels=2, pooler_output_size=5, pooler_act="relu"),
                 [], (6, 6), False),
}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        parameter.data = 1 + 0.2 * noise if is_norm else 0.3 * noise


def results(model, pixels, prefix="", **more):
    body = getattr(model, "vit", model)
    output = body(pixels, **more)
    found = {"states": output.last_hidden_state}
    if output.pooler_output is not None:
        found["pooled"] = output.pooler_output
    if body is not model:
        found["logits"] = model(pixels, **more).logits
    return {prefix + name: value.detach() for name, value in found.items()}


def expected(model, wanted, larger, generator):
    config = model.config
    size = config.image_size if isinstance(config.image_size, (list, tuple)) else [config.image_size] * 2
    pixels = torch.randn((3, config.num_channels, *size), generator=generator)
    result = {"pixels": pixels} | results(model, pixels)
    if wanted:
        labels = torch.tensor([1, 0, 1])
        loss = model(pixels, labels=labels).loss
        loss.backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        result |= {"labels": labels.int(), "loss": loss.detach()} | {f"gradient.{name}": gradients[name] for name in wanted}
    if larger:
        result["larger"] = torch.randn((2, config.num_channels, *larger), generator=generator)
        result |= results(model, result["larger"], "larger.", interpolate_pos_encoding=True)
    return {name: value.contiguous() for name, value in result.items()}


def main():
    for number, (name, (kind, fields, wanted, larger, renamed)) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(SEED + number)
        folder = os.path.join(HERE, name)
        model = kind(ViTConfig(**SMALL, **fields, attn_implementation="eager")).eval()
        randomise(model, generator)
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        if renamed:
            tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
            safetensors.torch.save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        tensors = expected(model, wanted, larger, generator)
        safetensors.torch.save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(HERE, "vit-versions.json"), "w") as file:
        json.dump(dict(seed=SEED, torch=torch.__version__, transformers=transformers.__version__,
                       safetensors=safetensors.__version__), file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
