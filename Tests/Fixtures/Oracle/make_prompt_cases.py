"""Writes small training runs of PEFT's methods that put virtual tokens before the tokens, in folders like those of make_cases.py.

    python make_prompt_cases.py [--seed N] [--out FOLDER] [NAME ...]

PEFT does not save the encoder that makes a projected prompt. It is written beside the adapter here, as
adapter_training.safetensors in the form of this package, so that the same training can be run. The models are
smaller than those of the other cases.
"""

import shutil
import zlib

import peft
import torch
from make_cases import base_of, main, train
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
    "bert-prefix": ("bert", PREFIX, dict()),
    "bert-prompt": ("bert", PROMPT, dict()),
    "bert-ptuning": ("bert", ENCODED, dict(encoder_hidden_size=6)),
    "llama-prompt-saved": ("llama", PROMPT, dict(modules_to_save=["norm", "layers.1.mlp"])),
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
    base = base_of(architecture, architecture == "gpt2", folder, width=16)
    task = "SEQ_CLS" if architecture == "bert" else "CAUSAL_LM"

    def adapt(base):
        return peft.get_peft_model(base, kind(task_type=task, num_virtual_tokens=P, **settings))

    train(name, architecture, base, adapt, folder, seed, save=save)


if __name__ == "__main__":
    main(CASES, run)
