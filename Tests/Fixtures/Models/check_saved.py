"""Loads model folders that were not written by Transformers, and compares logits.

    python check_saved.py FOLDER...

Each folder has a model of any task and `probe.safetensors` with `ids` [B, T] and `logits` [B, T, V], of a sequence classifier [B, C]. Prints a line for each folder and
fails where a weight is missing or unexpected, or logits differ by more than 1e-4 of the largest.
"""

import json
import sys

import safetensors.torch
import torch
import transformers


def check(folder):
    with open(f"{folder}/config.json") as file:
        architecture = json.load(file)["architectures"][0]
    # Folders of language models may name a class without a head.
    kind = "AutoModelForCausalLM" if "For" not in architecture else architecture
    model, info = getattr(transformers, kind).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            return f"{kind}: {sorted(info[kind])}"
    probe = safetensors.torch.load_file(f"{folder}/probe.safetensors")
    with torch.no_grad():
        logits = model.eval()(probe["ids"].long()).logits
    error = ((logits - probe["logits"]).abs().max() / logits.abs().max()).item()
    print(folder, type(model).__name__, error)
    return None if error <= 1e-4 else f"logits differ by {error} of the largest"


failures = [(folder, failure) for folder in sys.argv[1:] if (failure := check(folder))]
for folder, failure in failures:
    print(f"{folder}: {failure}", file=sys.stderr)
sys.exit(1 if failures else 0)
