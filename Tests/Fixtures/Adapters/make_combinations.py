"""Writes what Hugging Face PEFT's add_weighted_adapter makes of three adapters.

    python make_combinations.py [--seed N]

combinations/ gets first/, second/ and third/, adapters of the model in ../Oracle/llama-lora/base as PEFT saves them, with other scales
and targets each; expected.safetensors with the tensors of every combination, NAME/module.lora_A and lora_B; and
cases.json with the arguments of each and the versions.
"""

import argparse
import json
import pathlib
import warnings

import peft
import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
ADAPTERS = {
    "first": dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"]),
    "second": dict(r=3, lora_alpha=4, target_modules=["q_proj", "v_proj"]),
    "third": dict(r=2, lora_alpha=3, target_modules=["q_proj"], use_rslora=True),
}
PAIR = dict(adapters=["first", "second"], weights=[0.7, -0.4])
TRIPLE = dict(adapters=["first", "second", "third"], weights=[0.5, 0.8, -0.3])
CASES = {
    "linear": dict(PAIR, combination_type="linear"),
    "cat": dict(TRIPLE, combination_type="cat"),
    "svd": dict(TRIPLE, combination_type="svd"),
    "svd-2": dict(TRIPLE, combination_type="svd", svd_rank=2),
    "ties": dict(PAIR, combination_type="ties", density=0.6),
    "ties-frequency": dict(PAIR, combination_type="ties", density=0.8, majority_sign_method="frequency"),
    "ties_svd": dict(TRIPLE, combination_type="ties_svd", density=0.5),
    "dare_linear-1": dict(PAIR, combination_type="dare_linear", density=1.0),
    "dare_ties-1": dict(PAIR, combination_type="dare_ties", density=1.0),
    "dare_linear_svd-1": dict(TRIPLE, combination_type="dare_linear_svd", density=1.0),
    "dare_ties_svd-1": dict(TRIPLE, combination_type="dare_ties_svd", density=1.0),
    "magnitude_prune": dict(PAIR, combination_type="magnitude_prune", density=0.3),
    "magnitude_prune_svd": dict(TRIPLE, combination_type="magnitude_prune_svd", density=0.4),
    "alone": dict(adapters=["third"], weights=[2.0], combination_type="ties", density=0.5),
}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=11)
    seed = arguments.parse_args().seed
    warnings.simplefilter("ignore")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    folder = HERE / "combinations"
    base = transformers.AutoModelForCausalLM.from_pretrained(HERE / "../Oracle/llama-lora/base", dtype=torch.float32)
    model = None
    for name, settings in ADAPTERS.items():
        config = peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)
        if model is None:
            model = peft.get_peft_model(base, config, adapter_name=name)
        else:
            model.add_adapter(name, config)
    model.save_pretrained(folder)
    expected = {}
    for case, settings in CASES.items():
        model.add_weighted_adapter(adapter_name=case, **settings)
        for key, value in peft.get_peft_model_state_dict(model, adapter_name=case).items():
            expected[case + "/" + key.removeprefix("base_model.model.").removesuffix(".weight")] = value.contiguous()
    save_file(expected, folder / "expected.safetensors")
    versions = {"peft": peft.__version__, "torch": torch.__version__, "transformers": transformers.__version__}
    (folder / "cases.json").write_text(json.dumps({"seed": seed, "versions": versions, "cases": CASES}, indent=1) + "\n")
    for card in folder.rglob("README.md"):
        card.unlink()
    for file in folder.rglob("adapter_config.json"):
        # No path of the machine that ran this.
        fields = json.loads(file.read_text()) | {"base_model_name_or_path": None}
        file.write_text(json.dumps(fields, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
