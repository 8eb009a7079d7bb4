"""Writes small training runs of PEFT's methods that put virtual tokens before the tokens, in folders like those of make_cases.py.

    python make_prompt_cases.py [--seed N] [--out FOLDER] [NAME ...]

PEFT does not save the encoder that makes a projected prompt. It is written beside the adapter here, as
adapter_training.safetensors in the form of this package, so that the same training can be run. The logits of the virtual
tokens are left out.
"""

import argparse
import json
import pathlib
import shutil
import warnings
import zlib

import peft
import torch
import transformers
from make_cases import OPTIMISER, STEPS, model_of, texts
from safetensors.torch import save_file

P = 4
PREFIX, PROMPT, ENCODED = peft.PrefixTuningConfig, peft.PromptTuningConfig, peft.PromptEncoderConfig

# The name of a case: the architecture, the class of the configuration, and what it gets.
CASES = {
    "gpt2-prefix": ("gpt2", PREFIX, dict()),
    "llama-prefix": ("llama", PREFIX, dict()),
    "mistral-prefix": ("mistral", PREFIX, dict()),
    "gpt2-prefix-mlp": ("gpt2", PREFIX, dict(prefix_projection=True, encoder_hidden_size=6)),
    "llama-prefix-mlp": ("llama", PREFIX, dict(prefix_projection=True)),
    "gpt2-prompt": ("gpt2", PROMPT, dict()),
    "llama-prompt": ("llama", PROMPT, dict(prompt_tuning_init="SAMPLE_VOCAB")),
    "llama-ptuning": ("llama", ENCODED, dict(encoder_hidden_size=12)),
    "gpt2-ptuning-lstm": (
        "gpt2", ENCODED,
        dict(encoder_reparameterization_type="LSTM", encoder_hidden_size=5, encoder_num_layers=2),
    ),
}


def save(adapted, folder):
    adapted.save_pretrained(folder)
    encoder = adapted.prompt_encoder["default"].state_dict()
    if len(encoder) > 1:
        encoder = {f"prompt_encoder.{name}": value.contiguous() for name, value in encoder.items()}
        save_file(encoder, folder / "adapter_training.safetensors", metadata={"format": "pt"})


def run(name, folder, seed):
    architecture, kind, settings = CASES[name]
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(1000 * seed + zlib.crc32(name.encode()) % 1000)
    base = model_of(architecture, architecture == "gpt2")
    with torch.no_grad():
        for parameter_name, parameter in base.named_parameters():
            if parameter_name.endswith("bias"):
                parameter.normal_(std=0.1)
    base.save_pretrained(folder / "base")
    (folder / "base/generation_config.json").unlink(missing_ok=True)
    ids, mask, labels = texts(torch.Generator().manual_seed(seed + 17))
    length = ids.shape[2]

    def logits(model):
        with torch.no_grad():
            return model(input_ids=ids[0], attention_mask=mask[0]).logits[:, -length:].clone()

    expected = {"input_ids": ids, "attention_mask": mask, "labels": labels, "logits_base": logits(base.eval())}
    adapted = peft.get_peft_model(base, kind(task_type="CAUSAL_LM", num_virtual_tokens=P, **settings))
    save(adapted, folder / "adapter_initial")
    expected["logits_initial"] = logits(adapted.eval())
    adapted.train()
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=OPTIMISER["lr"], betas=tuple(OPTIMISER["betas"]), eps=OPTIMISER["eps"],
        weight_decay=OPTIMISER["weight_decay"],
    )
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = adapted(input_ids=ids[step], attention_mask=mask[step], labels=labels[step]).loss
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    expected["logits_final"] = logits(adapted.eval())
    save(adapted, folder / "adapter_final")
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    record = {
        "arch": architecture,
        "method": name.removeprefix(architecture + "-"),
        "losses": losses,
        "trainable": sum(parameter.numel() for parameter in trained),
        "optimizer": OPTIMISER,
        "seed": seed,
        "versions": {"peft": peft.__version__, "torch": torch.__version__, "transformers": transformers.__version__},
    }
    (folder / "expected.json").write_text(json.dumps(record, indent=1) + "\n")
    for card in folder.rglob("README.md"):
        card.unlink()
    for file in folder.rglob("adapter_config.json"):
        # No path of the machine that ran this.
        fields = json.loads(file.read_text()) | {"base_model_name_or_path": None}
        file.write_text(json.dumps(fields, indent=2, sort_keys=True))
    print(f"{name}: {losses[0]:.4f} -> {losses[-1]:.4f}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    arguments.add_argument("names", nargs="*", default=sorted(CASES))
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in arguments.names or sorted(CASES):
        run(name, arguments.out / name, arguments.seed)


if __name__ == "__main__":
    main()
