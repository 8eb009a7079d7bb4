"""Makes the folders nf4-*, fp4-* and int8-* beside this file: tiny random models, saved by Transformers and bitsandbytes.

    python make_quantized_models.py [NAME...]

Each has config.json, model.safetensors and expected.safetensors: `ids` [B, T], the `logits` [B, T, V] of the dequantised model in
float32, and each dequantised weight [out, in] under its name.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import bitsandbytes
import bitsandbytes.functional as F
import safetensors.torch
import torch
import transformers
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, GPT2Config, LlamaConfig, Qwen2Config

SEED = 20240611
here = pathlib.Path(__file__).parent
small = dict(vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.2)
gpt2 = GPT2Config(vocab_size=61, n_embd=32, n_layer=1, n_head=4, n_positions=64, initializer_range=0.2,
                  resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
cases = {
    "nf4-llama": (LlamaConfig(**small), dict(bnb_4bit_use_double_quant=True)),
    "nf4-llama-plain": (LlamaConfig(**small), dict(llm_int8_skip_modules=["lm_head", "down_proj"])),
    "nf4-llama-bfloat16": (LlamaConfig(**small), dict(bnb_4bit_use_double_quant=True, bnb_4bit_quant_storage="bfloat16")),
    "nf4-qwen2": (Qwen2Config(**small, tie_word_embeddings=True), dict(bnb_4bit_use_double_quant=True)),
    "nf4-gpt2": (gpt2, dict(bnb_4bit_use_double_quant=True)),
    "fp4-llama": (LlamaConfig(**small), dict(bnb_4bit_quant_type="fp4", bnb_4bit_use_double_quant=True)),
    "fp4-gpt2": (gpt2, dict(bnb_4bit_quant_type="fp4")),
    "int8-llama": (LlamaConfig(**small), dict(load_in_8bit=True)),
    "int8-gpt2": (gpt2, dict(load_in_8bit=True, llm_int8_skip_modules=["lm_head", "c_fc"])),
}


def quantization(settings):
    if settings.get("load_in_8bit"):
        return BitsAndBytesConfig(**settings)
    return BitsAndBytesConfig(**{
        "load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": torch.float32, **settings})



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


for name in sys.argv[1:] or cases:
    config, settings = cases[name]
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        dense = AutoModelForCausalLM.from_config(config)
        dense.save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder, device_map="cpu", dtype=torch.float32, quantization_config=quantization(settings))
    target = here / name
    shutil.rmtree(target, ignore_errors=True)
    model.save_pretrained(target)
    (target / "generation_config.json").unlink(missing_ok=True)
    expected = {}
    state = dense.state_dict()
    for path, module in model.named_modules():
        if isinstance(module, (bitsandbytes.nn.Linear4bit, bitsandbytes.nn.Linear8bitLt)):
            weight = dequantized(module.weight).contiguous()
            expected[f"{path}.weight"] = weight
            is_turned = type(dense.get_submodule(path)).__name__ == "Conv1D"
            state[f"{path}.weight"] = weight.T if is_turned else weight
    dense.load_state_dict(state)
    ids = (torch.arange(24).reshape(2, 12) * 7 + 3) % 61
    with torch.no_grad():
        logits = dense.eval()(ids).logits
    safetensors.torch.save_file({"ids": ids, "logits": logits.contiguous(), **expected}, target / "expected.safetensors")
(here / "quantized-versions.json").write_text(json.dumps({
    "bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__, "transformers": transformers.__version__,
    "seed": SEED}, indent=1) + "\n")
