"""Makes nf4.json, fp4.json, int8.json and adamw8bit.json beside this file with bitsandbytes on the CPU.

    python make_weights.py

Arrays are base64 of little-endian bytes.
"""
import base64
import json
import pathlib

import bitsandbytes
import bitsandbytes.functional as F
import numpy
import torch

SEED = 20240607
here = pathlib.Path(__file__).parent
versions = {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__,
            "numpy": numpy.__version__, "seed": SEED}


def bytes_of(tensor):
    return base64.b64encode(tensor.detach().cpu().contiguous().numpy().tobytes()).decode()


def case(name, weight, double, quant_type="nf4"):
    packed, state = F.quantize_4bit(weight, quant_type=quant_type, compress_statistics=double)
    result = {"name": name, "shape": list(weight.shape), "weight": bytes_of(weight),
              "dequantized": bytes_of(F.dequantize_4bit(packed, state)),
              "tensors": {}, "json": ""}
    result["tensors"]["weight"] = bytes_of(packed)
    for key, value in state.as_dict(packed=True).items():
        if key.startswith("quant_state"):
            result["json"] = bytes(value.tolist()).decode()
        else:
            result["tensors"][key] = bytes_of(value)
    return result


generator = torch.Generator().manual_seed(SEED)


def normal(*shape):
    return torch.randn(*shape, generator=generator) * 0.02


ramp = ((torch.arange(128) - 64) / 10).reshape(2, 64)
cases = [
    case("ramp", ramp, False),
    case("zeros", torch.zeros(1, 64), False),
    case("odd", normal(1, 71), False),
    case("plain", normal(64, 128), False),
    case("double", normal(32, 320), True),
    case("straddling", normal(100, 172), True),
    case("eights", normal(70, 72), True),
]
(here / "nf4.json").write_text(json.dumps({
    "versions": versions, "signed": bytes_of(F.create_dynamic_map(signed=True)),
    "unsigned": bytes_of(F.create_dynamic_map(signed=False)), "cases": cases}) + "\n")

names = ("ramp", "zeros", "odd", "plain", "double", "straddling")
sources = (ramp, torch.zeros(1, 64), normal(1, 71), normal(64, 128), normal(32, 320), normal(100, 172))
doubles = (False, False, False, False, True, True)
(here / "fp4.json").write_text(json.dumps({
    "versions": versions, "signed": "", "unsigned": "",
    "cases": [case(*each, quant_type="fp4") for each in zip(names, sources, doubles)]}) + "\n")


def int8_case(name, weight, blocksize):
    """Whole rows by the function of LLM.int8(), blocks by the blockwise one with evenly spread numbers."""
    if blocksize is None:
        codes, scales, _ = F.int8_vectorwise_quant(weight)
        dense = F.int8_vectorwise_dequant(codes, scales)
    else:
        # k / 127 for k from -127 to 127; the function wants a 256th number.
        spread = torch.arange(-127, 128) / 127
        spread = torch.cat([spread, torch.tensor([2.0])])
        places, state = F.quantize_blockwise(weight, code=spread, blocksize=blocksize)
        codes, scales = (places.int() - 127).to(torch.int8), state.absmax
        dense = F.dequantize_blockwise(places, state)
    return {"name": name, "shape": list(weight.shape), "block": blocksize, "weight": bytes_of(weight),
            "codes": bytes_of(codes), "scales": bytes_of(scales), "dequantized": bytes_of(dense)}


(here / "int8.json").write_text(json.dumps({"versions": versions, "cases": [
    int8_case("rows", normal(40, 72), None), int8_case("odd rows", normal(33, 37), None),
    int8_case("blocks", normal(48, 128), 64), int8_case("straddling", normal(20, 172), 64),
    int8_case("long blocks", normal(16, 192), 256), int8_case("odd blocks", normal(3, 71), 64)]}) + "\n")

count = 4096
parameter = torch.nn.Parameter(torch.linspace(-1, 1, count))
scale = torch.linspace(0.1, 2, count)
optimizer = bitsandbytes.optim.AdamW8bit([parameter], lr=0.01, weight_decay=0.01, betas=(0.9, 0.999))
steps = []
for step in range(1, 4):
    gradient = torch.sin(0.37 * step * torch.arange(count, dtype=torch.float32)) * scale
    parameter.grad = gradient
    optimizer.step()
    state = optimizer.state[parameter]
    steps.append({"gradient": bytes_of(gradient), "parameter": bytes_of(parameter),
                  **{key: bytes_of(state[key]) for key in ("state1", "state2", "absmax1", "absmax2")}})
(here / "adamw8bit.json").write_text(json.dumps({
    "versions": versions, "initial": bytes_of(torch.linspace(-1, 1, count)), "steps": steps}) + "\n")
