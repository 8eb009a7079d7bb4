"""Writes the small training runs of Hugging Face PEFT that the tests compare with.

    python make_cases.py [--seed N] [--out FOLDER] [NAME ...]

Each case is a folder:

    base/                 config.json and model.safetensors of a randomly initialised model
    adapter_initial/      the adapter before training, as PEFT saves it
    adapter_final/        the adapter after training, as PEFT saves it
    expected.safetensors  input_ids, attention_mask, labels [steps, batch, length], of classifiers [steps, batch];
                          of ViT pixel_values [steps, batch, channels, height, width] in place of the first two;
                          logits_base, logits_initial, logits_final of the first batch
    expected.json         losses, trainable parameters, optimiser, seed, versions

Everything is float32 on one thread without dropout. An adapter starts from random numbers on both sides,
so that logits_initial differs from logits_base.
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
from safetensors.torch import save_file

WIDTH, LAYERS, HEADS, VOCABULARY, POSITIONS = 32, 2, 4, 61, 32
ROWS, LENGTH, STEPS = 2, 11, 6
OPTIMISER = {"name": "adamw", "lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}


def model_of(architecture, tied, width):
    if architecture == "gpt2":
        return transformers.GPT2LMHeadModel(
            transformers.GPT2Config(
                vocab_size=VOCABULARY, n_embd=width, n_layer=LAYERS, n_head=HEADS, n_positions=POSITIONS,
                resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=0, eos_token_id=0, initializer_range=0.2,
            )
        )
    if architecture == "bert":
        return transformers.BertForSequenceClassification(
            transformers.BertConfig(
                vocab_size=VOCABULARY, hidden_size=width, intermediate_size=9 * width // 4, num_hidden_layers=LAYERS,
                num_attention_heads=HEADS, max_position_embeddings=POSITIONS, initializer_range=0.2, num_labels=3,
                hidden_dropout_prob=0, attention_probs_dropout_prob=0,
            )
        )
    if architecture == "vit":
        return transformers.ViTForImageClassification(
            transformers.ViTConfig(
                hidden_size=width, intermediate_size=9 * width // 4, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                image_size=8, patch_size=4, num_channels=2, initializer_range=0.2, num_labels=3,
                hidden_dropout_prob=0, attention_probs_dropout_prob=0,
            )
        )
    kinds = {
        "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
        "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM),
        "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
    }
    configuration, model = kinds[architecture]
    more = {"sliding_window": 5} if architecture == "mistral" else {}
    return model(
        configuration(
            vocab_size=VOCABULARY, hidden_size=width, intermediate_size=9 * width // 4, num_hidden_layers=LAYERS,
            num_attention_heads=HEADS, num_key_value_heads=2, max_position_embeddings=POSITIONS,
            bos_token_id=0, eos_token_id=0, initializer_range=0.2, tie_word_embeddings=tied, **more,
        )
    )


ADALORA = dict(init_r=4, target_r=2, tinit=1, tfinal=2, total_step=STEPS, orth_reg_weight=0.1)

# The name of a case: the architecture, whether the head is tied, and what LoraConfig gets.
CASES = {
    "gpt2-lora": ("gpt2", True, dict(target_modules=["c_attn"])),
    "gpt2-lora-all": (
        "gpt2", True,
        dict(target_modules="all-linear", rank_pattern={"h.1.attn.c_attn": 5, "c_proj": 2}, alpha_pattern={"mlp.c_fc": 3}),
    ),
    "gpt2-lora-bias": ("gpt2", True, dict(target_modules=["c_attn", "mlp.c_proj"], bias="all")),  # see epsilon()
    "gpt2-lora-embedding": ("gpt2", True, dict(target_modules=["wte", "wpe", "c_fc"])),
    "llama-lora": ("llama", False, dict(target_modules=["q_proj", "v_proj"])),
    "llama-rslora": ("llama", False, dict(target_modules=["q_proj", "o_proj"], use_rslora=True)),
    "llama-lora-head": ("llama", False, dict(target_modules=["embed_tokens", "lm_head", "v_proj"])),
    "llama-lora-saved": (
        "llama", False, dict(target_modules=["q_proj"], modules_to_save=["lm_head", "norm", "layers.1.mlp"]),
    ),
    "llama-lora-tied": (
        "llama", True, dict(target_modules=["v_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    ),
    "mistral-lora-all": (
        "mistral", False,
        dict(
            target_modules="all-linear", rank_pattern={r"layers\.1\.self_attn\.q_proj": 6},
            alpha_pattern={"^model.layers.0.mlp.up_proj": 5},
        ),
    ),
    "qwen2-lora-bias": ("qwen2", True, dict(target_modules=["q_proj", "o_proj"], bias="lora_only")),
    "qwen2-lora-branch-bias": ("qwen2", False, dict(target_modules=["q_proj", "v_proj"], lora_bias=True)),
    "gpt2-dora-all": ("gpt2", True, dict(target_modules="all-linear", use_dora=True)),
    "llama-dora-embedding": ("llama", False, dict(target_modules=["embed_tokens", "v_proj"], use_dora=True)),
    # The start itself matters here, and not what random numbers would make of it.
    "gpt2-pissa": ("gpt2", True, dict(target_modules=["c_attn", "c_proj"], init_lora_weights="pissa")),
    "llama-pissa-dora": (
        "llama", False, dict(target_modules=["k_proj", "up_proj"], init_lora_weights="pissa", use_dora=True),
    ),
    "llama-olora": ("llama", False, dict(target_modules=["q_proj", "down_proj"], init_lora_weights="olora")),
    "qwen2-rslora-layers": (
        "qwen2", True,
        dict(target_modules=["q_proj", "down_proj"], use_rslora=True, layers_to_transform=[1], layers_pattern="layers"),
    ),
    "llama-shira": ("llama", False, dict(target_modules=["q_proj", "v_proj"], mask_type="random")),
    "gpt2-adalora": ("gpt2", True, dict(target_modules=["c_attn"], **ADALORA)),
    "llama-adalora": ("llama", False, dict(target_modules=["q_proj", "v_proj"], **ADALORA)),
    # With a class of their own: what they train starts with noise on it.
    "gpt2-ln": ("gpt2", True, dict(of=peft.LNTuningConfig)),
    "gpt2-ia3": ("gpt2", True, dict(of=peft.IA3Config, fan_in_fan_out=True)),
    "llama-ia3": ("llama", False, dict(of=peft.IA3Config, target_modules="all-linear", feedforward_modules=".*(down|o)_proj")),
    "llama-vera": (
        "llama", False,
        dict(of=peft.VeraConfig, r=5, projection_prng_key=7, save_projection=False, target_modules=["q_proj", "v_proj", "up_proj"]),
    ),
    "gpt2-vera": (
        "gpt2", True,
        dict(of=peft.VeraConfig, r=5, projection_prng_key=2**40 + 5, bias="vera_only", target_modules=["attn.c_proj", "mlp.c_fc"]),
    ),
    "llama-loha": (
        "llama", False,
        dict(of=peft.LoHaConfig, r=3, alpha=6, target_modules=["q_proj", "down_proj"], rank_pattern={"layers.1.mlp.down_proj": 6}),
    ),
    "llama-lokr": (
        "llama", False, dict(of=peft.LoKrConfig, r=3, alpha=6, target_modules=["q_proj", "v_proj", "up_proj"], decompose_factor=4),
    ),
    # Classifiers, whose head PEFT trains as a whole.
    "bert-lora": ("bert", True, dict(target_modules=["query", "value"])),
    "bert-lora-all": ("bert", True, dict(target_modules=["query", "key", "value", "dense"], use_rslora=True)),
    "bert-adalora": ("bert", True, dict(target_modules=["query", "value"], **ADALORA)),
    "bert-ia3": ("bert", True, dict(of=peft.IA3Config)),
    # PEFT has no task for pictures, so that the head is trained only where it is named.
    "vit-lora": ("vit", False, dict(target_modules=["q_proj", "v_proj"], modules_to_save=["classifier"])),
    "vit-lora-all": ("vit", False, dict(target_modules="all-linear", rank_pattern={"layers.1.mlp.fc1": 5})),
    "qwen2-lokr": ("qwen2", True, dict(of=peft.LoKrConfig, r=1, alpha=2, target_modules=["k_proj", "down_proj"], decompose_both=True)),
}


def seed_of(name, seed):
    """The first cases were numbered; those that came later must not renumber them."""
    first = sorted(case for case in CASES if "lora" in case and "adalora" not in case and "bert" not in case)
    number = first.index(name) if name in first else 100 + zlib.crc32(name.encode()) % 900
    return 1000 * seed + number


def configuration(settings, task):
    """AdaLoRA has a schedule; lora_bias starts from nothing but true or false, and false makes both sides random."""
    if "mask_type" in settings:
        return peft.ShiraConfig(task_type=task, r=3, random_seed=5, init_weights=False, **settings)
    if "init_r" in settings:
        return peft.AdaLoraConfig(task_type=task, lora_alpha=6, **settings)
    if "of" in settings:
        more = dict(settings)
        return more.pop("of")(task_type=task, **more)
    return peft.LoraConfig(task_type=task, lora_alpha=6, r=3, **({"init_lora_weights": False} | settings))


def epsilon(settings):
    """AdamW's eps. The bias of the keys has no gradient but rounding, which the usual 1e-8 would blow up to whole steps."""
    return 1e-4 if settings.get("bias") == "all" else OPTIMISER["eps"]


def texts(generator, is_classifier):
    """Random batches, two in turn, with padding on the right of one row."""
    ids = torch.randint(1, VOCABULARY, (2, ROWS, LENGTH), generator=generator)
    mask = torch.ones_like(ids)
    mask[0, 1, 8:] = 0
    labels = torch.where(mask == 1, ids, -100)
    labels[1, 0, :3] = -100
    if is_classifier:
        labels = torch.randint(0, 3, (2, ROWS), generator=generator)
    turns = [step % 2 for step in range(STEPS)]
    return ids[turns], mask[turns], labels[turns]


def pictures(generator):
    """Random batches, two in turn, and their classes."""
    pixels = torch.randn((2, ROWS, 2, 8, 8), generator=generator)
    labels = torch.randint(0, 3, (2, ROWS), generator=generator)
    turns = [step % 2 for step in range(STEPS)]
    return pixels[turns], labels[turns]


def batches_of(architecture, generator):
    """What a model of an architecture gets in every step."""
    if architecture == "vit":
        return dict(zip(("pixel_values", "labels"), pictures(generator)))
    return dict(zip(("input_ids", "attention_mask", "labels"), texts(generator, architecture == "bert")))


def task_of(architecture):
    return {"bert": "SEQ_CLS", "vit": None}.get(architecture, "CAUSAL_LM")


def base_of(architecture, tied, folder, width=WIDTH):
    """A new model in `folder`/base, with biases that are not zero, which would hide that one is lost."""
    base = model_of(architecture, tied, width)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    base.save_pretrained(folder / "base")
    (folder / "base/generation_config.json").unlink(missing_ok=True)
    return base.eval()


def train(name, architecture, base, adapt, folder, seed, *, eps=OPTIMISER["eps"], save=None, after_step=None):
    """Adapts a base by `adapt`, trains it and writes what came out; `save` writes an adapter, `after_step` gets it and the step."""
    save = save or (lambda adapted, target: adapted.save_pretrained(target))
    batches = batches_of(architecture, torch.Generator().manual_seed(seed + 17))

    def logits(model):
        with torch.no_grad():
            found = model(**{key: value[0] for key, value in batches.items() if key != "labels"}).logits
        # Those of virtual tokens come first, and are left out.
        return (found[:, -LENGTH:] if found.dim() == 3 else found).clone()

    expected = batches | {"logits_base": logits(base)}
    adapted = adapt(base)
    save(adapted, folder / "adapter_initial")
    expected["logits_initial"] = logits(adapted.eval())
    adapted.train()
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    used = OPTIMISER | {"eps": eps}
    optimiser = torch.optim.AdamW(
        trained, lr=used["lr"], betas=tuple(used["betas"]), eps=used["eps"], weight_decay=used["weight_decay"],
    )
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = adapted(**{key: value[step] for key, value in batches.items()}).loss
        loss.backward()
        optimiser.step()
        if after_step:
            after_step(adapted, step)
        losses.append(loss.item())
    expected["logits_final"] = logits(adapted.eval())
    save(adapted, folder / "adapter_final")
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    record = {
        "arch": architecture,
        "method": name.removeprefix(architecture + "-"),
        "losses": losses,
        "trainable": sum(parameter.numel() for parameter in trained),
        "optimizer": used,
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


def run(name, folder, seed):
    architecture, tied, settings = CASES[name]
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(seed_of(name, seed))
    base = base_of(architecture, tied, folder)

    def adapt(base):
        adapted = peft.get_peft_model(base, configuration(settings, task_of(architecture)))
        if "of" in settings:
            with torch.no_grad():
                for parameter in adapted.parameters():
                    if parameter.requires_grad:
                        parameter.add_(torch.randn_like(parameter), alpha=0.1)
        return adapted

    def allocate(adapted, step):
        if "init_r" in settings:
            adapted.base_model.update_and_allocate(step)

    train(name, architecture, base, adapt, folder, seed, eps=epsilon(settings), after_step=allocate)


def main(cases=CASES, run=run):
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    arguments.add_argument("names", nargs="*", default=sorted(cases))
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in arguments.names or sorted(cases):
        run(name, arguments.out / name, arguments.seed)


if __name__ == "__main__":
    main()
