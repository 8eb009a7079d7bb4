"""Writes matching.json: which modules Hugging Face PEFT adapts for many settings, with rank and scale, on tiny models.

    python make_matching.py

Each case has the family, the settings as they stand in adapter_config.json, and either what PEFT made of them or the
kind of error it raised.
"""

import copy
import json
import pathlib
import warnings

import peft
import torch
import transformers
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper


def model_of(family):
    sizes = dict(vocab_size=17, hidden_size=8, intermediate_size=12, num_attention_heads=2, num_key_value_heads=1)
    if family == "gpt2":
        return transformers.GPT2LMHeadModel(
            transformers.GPT2Config(vocab_size=17, n_embd=8, n_layer=12, n_head=2, n_positions=16, bos_token_id=0, eos_token_id=0)
        )
    if family == "llama":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, num_hidden_layers=3))
    return transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(**sizes, num_hidden_layers=2, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0)
    )


QV = ["q_proj", "v_proj"]
CASES = [
    # One string is an expression for the whole path.
    ("llama", dict(target_modules=r".*\.q_proj")),
    ("llama", dict(target_modules="q_proj")),
    ("llama", dict(target_modules=r".*q_proj|.*v_proj")),
    ("llama", dict(target_modules=r"model\.layers\.[02]\.(self_attn|mlp)\.[a-z]+_proj")),
    ("llama", dict(target_modules=r"model\.layers\.\d+\.mlp\.(?!gate)\w+_proj")),
    ("llama", dict(target_modules=r"(?i).*\.Q_PROJ")),
    ("llama", dict(target_modules=r".*(embed_tokens|lm_head)")),
    ("llama", dict(target_modules=r"^model.*k_proj$")),
    ("gpt2", dict(target_modules=r".*attn\.c_.*")),
    ("gpt2", dict(target_modules=r"transformer\.h\.(1|11)\.mlp\.c_fc")),
    ("gpt2", dict(target_modules=r".*\.h\.1\..*c_proj")),
    # A list has ends of paths, from a dot on.
    ("llama", dict(target_modules=["proj"])),
    ("llama", dict(target_modules=["q_proj", "mlp.up_proj", "lm_head"])),
    ("llama", dict(target_modules=["model.layers.1.self_attn.o_proj", "layers.2.mlp.gate_proj"])),
    ("llama", dict(target_modules=["embed_tokens"])),
    ("llama", dict(target_modules=["q_proj", "not_there"])),
    ("llama", dict(target_modules=["mlp"])),
    ("llama", dict(target_modules=["norm"])),
    ("gpt2", dict(target_modules=["c_proj"])),
    ("gpt2", dict(target_modules=["attn.c_proj", "wte", "wpe"])),
    ("gpt2", dict(target_modules=["h.1.attn.c_attn"])),
    ("gpt2", dict(target_modules=["1.attn.c_attn"])),
    ("gpt2", dict(target_modules=["lm_head", "wte"])),
    ("qwen2", dict(target_modules=["q_proj", "k_proj", "v_proj", "lm_head"])),
    # Nothing given: the usual ones of the family. Everything linear.
    ("llama", dict()),
    ("gpt2", dict()),
    ("qwen2", dict()),
    ("llama", dict(target_modules="all-linear")),
    ("llama", dict(target_modules="ALL-Linear")),
    ("gpt2", dict(target_modules="all-linear")),
    ("qwen2", dict(target_modules="all-linear", exclude_modules=["down_proj"])),
    ("llama", dict(target_modules="all-linear", modules_to_save=["mlp"])),
    # Exclusions.
    ("llama", dict(target_modules=QV, exclude_modules=["layers.1.self_attn.q_proj"])),
    ("llama", dict(target_modules=QV, exclude_modules=["v_proj"])),
    ("llama", dict(target_modules=QV, exclude_modules=r".*layers\.[12]\..*")),
    ("llama", dict(target_modules=QV, exclude_modules="v_proj")),
    ("llama", dict(target_modules=QV, exclude_modules="all-linear")),
    ("llama", dict(target_modules=QV, exclude_modules=["q_proj", "v_proj"])),
    ("llama", dict(target_modules=r".*_proj", exclude_modules=r".*mlp.*")),
    ("gpt2", dict(target_modules=["c_proj"], exclude_modules=["mlp.c_proj"])),
    ("gpt2", dict(target_modules=["c_attn"], exclude_modules=r"transformer\.h\.\d\..*")),
    # Layers.
    ("llama", dict(target_modules=QV, layers_to_transform=1)),
    ("llama", dict(target_modules=QV, layers_to_transform=0)),
    ("llama", dict(target_modules=QV, layers_to_transform=[0, 2])),
    ("llama", dict(target_modules=QV, layers_to_transform=[])),
    ("llama", dict(target_modules=QV, layers_to_transform=[1, 7])),
    ("llama", dict(target_modules=QV, layers_to_transform=[7])),
    ("llama", dict(target_modules=QV, layers_to_transform=[1], layers_pattern="layers")),
    ("llama", dict(target_modules=QV, layers_to_transform=[1], layers_pattern=["h", "layers"])),
    ("llama", dict(target_modules=QV, layers_to_transform=[1], layers_pattern="h")),
    ("llama", dict(target_modules=QV, layers_to_transform=[1], layers_pattern="l.yers")),
    ("llama", dict(target_modules=["q_proj", "lm_head"], layers_to_transform=[1])),
    ("llama", dict(target_modules=r".*q_proj", layers_to_transform=[1])),
    ("llama", dict(target_modules=QV, layers_pattern="layers")),
    ("llama", dict(target_modules=["model.layers.0.self_attn.q_proj"], layers_to_transform=[1])),
    ("gpt2", dict(target_modules=["c_attn"], layers_to_transform=[1, 11])),
    ("gpt2", dict(target_modules=["c_attn", "c_fc"], layers_to_transform=1, layers_pattern=["h"])),
    # Ranks and alphas by pattern: the first that matches, each table by itself.
    ("llama", dict(target_modules=QV, rank_pattern={"q_proj": 7})),
    ("llama", dict(target_modules=QV, rank_pattern={"proj": 7, ".*proj": 6})),
    ("llama", dict(target_modules=QV, rank_pattern={"layers.1.self_attn.q_proj": 3, "q_proj": 7})),
    ("llama", dict(target_modules=QV, rank_pattern={"q_proj": 7, "layers.1.self_attn.q_proj": 3})),
    ("llama", dict(target_modules=QV, rank_pattern={"^model.layers.0.self_attn.q_proj": 2})),
    ("llama", dict(target_modules=QV, rank_pattern={"^layers.0.self_attn.q_proj": 2})),
    ("llama", dict(target_modules=QV, rank_pattern={r"layers\.(0|2)\..*": 5}, alpha_pattern={"v_proj": 1.5})),
    ("llama", dict(target_modules=QV, rank_pattern={"q_proj|v_proj": 5})),
    ("llama", dict(target_modules=QV, rank_pattern={"v_proj": 9}, alpha_pattern={"layers.2.self_attn.v_proj": 27}, use_rslora=True)),
    ("llama", dict(target_modules=QV, rank_pattern={"nothing": 9}, alpha_pattern={"q": 1})),
    ("llama", dict(target_modules=QV, rank_pattern={"q_proj": 0})),
    ("gpt2", dict(target_modules=["c_attn"], rank_pattern={"h.1.attn.c_attn": 5})),
    ("gpt2", dict(target_modules=["c_attn"], rank_pattern={"1.attn.c_attn": 5})),
    ("gpt2", dict(target_modules="all-linear", rank_pattern={"c_proj": 2, "mlp.c_proj": 3}, alpha_pattern={"mlp.c_proj": 9, "c_proj": 1})),
    ("qwen2", dict(target_modules="all-linear", alpha_pattern={r"mlp\..*": 3}, use_rslora=True)),
    # Modules to save: by the end of the path without a dot, but exclusion from adaptation needs one.
    ("llama", dict(target_modules=QV, modules_to_save=["norm"])),
    ("llama", dict(target_modules=QV, modules_to_save=["lm_head"])),
    ("llama", dict(target_modules=QV, modules_to_save=["layers.1"])),
    ("llama", dict(target_modules=QV, modules_to_save=["head"])),
    ("llama", dict(target_modules=QV, modules_to_save=["layers.1.self_attn.q_proj"])),
    ("llama", dict(target_modules=QV, modules_to_save=["q_proj", "v_proj"])),
    ("llama", dict(target_modules=["q_proj", "down_proj"], modules_to_save=["mlp"])),
    ("llama", dict(target_modules=["q_proj", "norm"], modules_to_save=["n.rm"])),
    ("llama", dict(target_modules=QV, modules_to_save=["proj"])),
    ("llama", dict(target_modules=QV, modules_to_save=["not_there"])),
    ("llama", dict(target_modules=QV, modules_to_save=["mlp", "down_proj"])),
    ("gpt2", dict(target_modules=["c_attn"], modules_to_save=["wte", "ln_f"])),
    ("gpt2", dict(target_modules=["c_attn"], modules_to_save=["ln_1"])),
    ("qwen2", dict(target_modules=QV, modules_to_save=["embed_tokens"])),
    ("qwen2", dict(target_modules=QV, modules_to_save=["embed_tokens"], ensure_weight_tying=True)),
    ("qwen2", dict(target_modules=QV, modules_to_save=["lm_head"], ensure_weight_tying=True)),
    ("qwen2", dict(target_modules=QV, modules_to_save=["lm_head", "embed_tokens"], ensure_weight_tying=True)),
    ("gpt2", dict(target_modules=["c_attn"], modules_to_save=["wte", "lm_head"], ensure_weight_tying=True)),
    ("gpt2", dict(target_modules=["c_attn"], modules_to_save=["wte"], ensure_weight_tying=True)),
]


def outcome(family, settings):
    torch.manual_seed(0)
    try:
        # A copy, since PEFT changes the lists that it gets.
        configuration = peft.LoraConfig(r=4, lora_alpha=10, task_type="CAUSAL_LM", **copy.deepcopy(settings))
        model = peft.get_peft_model(model_of(family), configuration)
    except Exception as error:  # what PEFT refuses is a result as well
        return {"error": type(error).__name__}
    adapted, saved = {}, []
    prefix = "base_model.model."
    for path, module in model.named_modules(remove_duplicate=False):
        if isinstance(module, LoraLayer):
            adapted[path.removeprefix(prefix)] = [module.r["default"], module.scaling["default"]]
        if isinstance(module, ModulesToSaveWrapper):
            saved += [f"{path.removeprefix(prefix)}.{name}" for name, _ in module.modules_to_save["default"].named_parameters()]
    return {"adapted": adapted, "saved": sorted(set(saved)), "trainable": model.get_nb_trainable_parameters()[0]}


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    cases = [{"family": family, "settings": settings} | outcome(family, settings) for family, settings in CASES]
    versions = {"peft": peft.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = f'{{"versions": {json.dumps(versions)}, "seed": 0, "rank": 4, "alpha": 10, "cases": [\n{lines}\n]}}\n'
    pathlib.Path(__file__).with_name("matching.json").write_text(text)


if __name__ == "__main__":
    main()
