"""Loads adapters that this package saved in Hugging Face PEFT, and compares the logits.

    python check_adapter.py FOLDER ...

Each folder holds base/ and adapter/ as this package wrote them, mostly merged/ with the merged model, and logits.safetensors with ids [rows, length], lengths
[rows] and logits [rows, length, vocabulary], of a classifier [rows, classes]; of one that reads pictures pixel_values in place of
ids and lengths. One line of JSON comes out for each; the exit code is 1 where anything
differs: logits by more than 1e-5 of the largest, tensors that PEFT would save otherwise, or a warning about keys.
"""

import json
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import peft
import torch
import transformers
from peft.utils.save_and_load import get_peft_model_state_dict
from safetensors.torch import load_file

TOLERANCE = 1e-5
# A merge rounds every weight once.
MERGED_TOLERANCE = 1e-4


def check(folder):
    stored = load_file(f"{folder}/logits.safetensors")
    with open(f"{folder}/base/config.json") as file:
        architecture = json.load(file)["architectures"][0]
    base = getattr(transformers, architecture).from_pretrained(f"{folder}/base", dtype=torch.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = peft.PeftModel.from_pretrained(base, f"{folder}/adapter").eval()
        again = get_peft_model_state_dict(model)
    complaints = [str(w.message)[:200] for w in caught if "key" in str(w.message).lower() and "PRNG" not in str(w.message)]
    # What only this package reads, to go on with a training.
    complaints = [complaint for complaint in complaints if "['longlora']" not in complaint]
    if model.peft_config["default"].peft_type == "ADALORA":
        # PEFT takes its own pattern of triplets for LoRA's pattern of ranks, and complains of its own files too.
        complaints = [complaint for complaint in complaints if "rank_pattern keys" not in complaint]
    expected = stored["logits"]
    if "ids" in stored:
        ids = stored["ids"]
        mask = (torch.arange(ids.shape[1])[None] < stored["lengths"][:, None]).long()
        if base.config.pad_token_id is not None:
            # Classifiers of the Llama family look for the last token by its id.
            ids = ids.masked_fill(mask == 0, base.config.pad_token_id)
        inputs = dict(input_ids=ids, attention_mask=mask)
    else:
        inputs = dict(pixel_values=stored["pixel_values"])
    counted = mask[..., None] if expected.dim() == 3 else 1

    def difference(model):
        with torch.no_grad():
            # Those of virtual tokens come first.
            found = model(**inputs).logits
            found = found[:, -expected.shape[1] :] if found.dim() == 3 else found
        return ((found - expected).abs() * counted).max().item() / expected.abs().max().item()

    result = {"difference": difference(model)}
    if os.path.isdir(f"{folder}/merged"):
        with open(f"{folder}/merged/config.json") as file:
            architecture = json.load(file)["architectures"][0]
        merged, info = getattr(transformers, architecture).from_pretrained(
            f"{folder}/merged", dtype=torch.float32, output_loading_info=True)
        result["merged"] = difference(merged.eval())
        complaints += [f"{kind}: {sorted(info[kind])}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info.get(kind)]
    own = load_file(f"{folder}/adapter/adapter_model.safetensors")
    # With bias="all", PEFT writes those of saved modules again under their inner names.
    names = {key for key in again if ".original_module." not in key and ".modules_to_save." not in key}
    other = sorted(names ^ set(own))
    other += sorted(key for key in names & set(own) if not torch.equal(again[key].float(), own[key].float()))
    return result | {"tensors": other, "warnings": complaints}


def main(folders):
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    failed = False
    for folder in folders:
        result = {"folder": os.path.basename(folder.rstrip("/"))}
        try:
            result |= check(folder)
            failed |= not result["difference"] <= TOLERANCE or not result.get("merged", 0) <= MERGED_TOLERANCE
            failed |= bool(result["tensors"] or result["warnings"])
        except Exception as error:
            result["error"] = f"{type(error).__name__}: {error}"[:400]
            failed = True
        print(json.dumps(result), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
