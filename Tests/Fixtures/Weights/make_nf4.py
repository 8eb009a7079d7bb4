"""Makes nf4.json and adamw8bit.json beside this file with bitsandbytes on the CPU.

    python make_nf4.py

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


def case(name, weight, double):
    packed, state = F.quantize_4bit(weight, quant_type="nf4", compress_statistics=double)
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
