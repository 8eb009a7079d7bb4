"""Makes the safetensors fixtures with the reference implementation.

Made with safetensors 0.8.0, torch 2.13.0, Python 3.11, seed 20240607:

    python Tests/Fixtures/Checkpoints/make.py

`every_dtype.safetensors` holds every element type that can be read; `values.json` says what float32
each of its real tensors has, so that the conversions are tested too. `sharded/` is what Transformers'
rule of splitting gives for a limit of 100 bytes.
"""

import json
import pathlib

import safetensors
import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(20240607)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


edges = torch.tensor(
    [0.0, -0.0, 1.0, -1.5, 65504.0, 65520.0, 6e-8, 1e-8, 3.4e38, float("inf"), float("-inf"), 1 / 3]
)
tensors = {
    "weight": normal(3, 5),
    "scalar": torch.tensor(-2.5),
    "empty": torch.zeros(2, 0),
    "edges": edges,
    "half": normal(7).half(),
    "half edges": edges.half(),
    "brain": normal(2, 3).bfloat16(),
    "brain edges": edges.bfloat16(),
    "double": normal(4).double() * 1.0000000001,
    "long": torch.tensor([[-1, 2**31 - 1], [-(2**31), 7]]),
    "int": torch.tensor([1, -2, 3], dtype=torch.int32),
    "short": torch.tensor([-32768, 32767], dtype=torch.int16),
    "char": torch.tensor([-128, 127, 0], dtype=torch.int8),
    "byte": torch.tensor([0, 255, 3, 9, 1], dtype=torch.uint8),
    "flags": torch.tensor([True, False, True]),
    'na\u00efve "quoted" \\ \n\x01': torch.tensor([1.0]),
    "Upper": torch.tensor([2.0]),
}
save_file(tensors, folder / "every_dtype.safetensors", metadata={"format": "pt"})
values = {
    "versions": {"safetensors": safetensors.__version__, "torch": torch.__version__},
    "real": {
        name: [repr(value) for value in tensor.float().flatten().tolist()]
        for name, tensor in tensors.items()
        if tensor.is_floating_point()
    },
    "whole": {
        name: [int(value) for value in tensor.flatten().tolist()]
        for name, tensor in tensors.items()
        if not tensor.is_floating_point()
    },
}
(folder / "values.json").write_text(json.dumps(values, indent=1) + "\n")
save_file({}, folder / "nothing.safetensors")

from huggingface_hub import split_torch_state_dict_into_shards

(folder / "sharded").mkdir(exist_ok=True)
state = {
    "layer.1.weight": normal(4, 4),
    "layer.0.weight": normal(3, 3),
    "layer.0.bias": normal(3),
    "layer.2.weight": normal(5, 6),
    "layer.2.bias": normal(5),
    "layer.10.weight": normal(4, 5),
}
split = split_torch_state_dict_into_shards(
    state, filename_pattern="model{suffix}.safetensors", max_shard_size=100
)
for file, names in split.filename_to_tensors.items():
    save_file(
        {name: state[name] for name in names}, folder / "sharded" / file, metadata={"format": "pt"}
    )
index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
(folder / "sharded" / "model.safetensors.index.json").write_text(
    json.dumps(index, indent=2, sort_keys=True) + "\n"
)
