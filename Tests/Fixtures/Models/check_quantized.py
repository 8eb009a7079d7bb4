"""Loads model folders in four or eight bits that were not written by bitsandbytes, and compares the weights.

    python check_quantized.py FOLDER...

Each folder has a model and `dense.safetensors`: the numbers that each such weight stands for, `[out, in]`. Fails where a weight
is missing, unexpected, or differs in any bit, or where other modules are quantised.
"""

import sys

import bitsandbytes
import bitsandbytes.functional as F
import safetensors.torch
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from transformers import AutoModelForCausalLM


def dequantized(weight):
    """bitsandbytes' own arithmetic for any processor; its CPU kernel takes blocks that straddle rows for others (0.50.2)."""
    if isinstance(weight, bitsandbytes.nn.Int8Params):
        return F.int8_vectorwise_dequant(weight.data, weight.SCB)
    state = weight.quant_state
    scales = state.absmax
    if state.nested:
        scales = F.dequantize_blockwise(scales, state.state2) + state.offset
    return _dequantize_4bit_compute(
        weight.data.view(torch.uint8).reshape(-1), scales.float(), state.code, state.blocksize, state.shape, state.dtype)


def check(folder):
    model, info = AutoModelForCausalLM.from_pretrained(folder, device_map="cpu", output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            return f"{kind}: {sorted(info[kind])}"
    expected = safetensors.torch.load_file(f"{folder}/dense.safetensors")
    for path, module in model.named_modules():
        if isinstance(module, (bitsandbytes.nn.Linear4bit, bitsandbytes.nn.Linear8bitLt)):
            found = dequantized(module.weight)
            wanted = expected.pop(f"{path}.weight", None)
            if wanted is None:
                return f"{path} is quantised"
            if not torch.equal(found, wanted.to(found.dtype)):
                return f"{path} differs by {(found - wanted).abs().max().item()}"
    return f"{sorted(expected)} are not quantised" if expected else None


failures = [(folder, failure) for folder in sys.argv[1:] if (failure := check(folder))]
for folder, failure in failures:
    print(f"{folder}: {failure}", file=sys.stderr)
sys.exit(1 if failures else 0)
