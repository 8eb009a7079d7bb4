"""Writes tiny random encoders with heads that score every token, and what Transformers computes with them.

    python make_token_heads.py

For each of BERT, RoBERTa and DistilBERT there are two folders with the files of `save_pretrained`, `<family>-masked` with the head of a
masked language model and `<family>-tokens` with that of a token classifier, and `expected.safetensors` in each:

    ids, lengths            [3, T] right-padded rows, and how long each is
    types                   [3, T] kinds of tokens, where the family has them
    labels, loss            [3, T] labels with -100 at padding and elsewhere, and the loss
    logits                  [3, T, C] of the padded batch
    gradient.<name>         of the loss, for some parameters

Weights are random in every part: initial values of zero or one would hide a bias or a norm that is left out.
`token-head-versions.json` says with what the files were made.
"""

import json
import os
import shutil

import safetensors.torch
import torch
import transformers
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForTokenClassification

from make_encoders import LENGTHS, SMALL, VOCAB, WIDTH, randomise

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20280
FAMILIES = {
    "bert": (dict(SMALL, model_type="bert", num_hidden_layers=1, hidden_act="relu"),
             ["bert.embeddings.word_embeddings.weight", "cls.predictions.bias",
              "cls.predictions.transform.LayerNorm.weight"]),
    "roberta": (dict(SMALL, model_type="roberta", num_hidden_layers=1, type_vocab_size=1, hidden_act="relu",
                     tie_word_embeddings=False),
                ["lm_head.decoder.weight", "lm_head.dense.weight"]),
    "distilbert": (dict(model_type="distilbert", vocab_size=VOCAB, dim=WIDTH, hidden_dim=24, n_layers=1, n_heads=4,
                        max_position_embeddings=24),
                   ["vocab_projector.bias", "vocab_transform.weight"]),
}
HEADS = {"masked": AutoModelForMaskedLM, "tokens": AutoModelForTokenClassification}


def expected(model, classes, wanted, generator):
    longest = max(LENGTHS)
    rows = [torch.randint(2, VOCAB, (n,), generator=generator) for n in LENGTHS]
    ids = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r)), value=model.config.pad_token_id) for r in rows])
    mask = torch.stack([(torch.arange(longest) < n).long() for n in LENGTHS])
    labels = torch.randint(0, classes, ids.shape, generator=generator).masked_fill(mask == 0, -100)
    labels[0, 2:6] = -100
    labels[1] = -100
    inputs = dict(input_ids=ids, attention_mask=mask)
    result = dict(ids=ids, lengths=torch.tensor(LENGTHS), labels=labels)
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = result["types"] = (torch.arange(longest) >= 3).long().expand(3, -1).contiguous()
    output = model(**inputs, labels=labels)
    output.loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    result |= {f"gradient.{name}": gradients[name] for name in wanted}
    result |= dict(logits=output.logits.detach(), loss=output.loss.detach())
    return {name: value.contiguous() if value.is_floating_point() else value.to(torch.int32)
            for name, value in result.items()}


def main():
    for number, (family, (fields, gradients)) in enumerate(FAMILIES.items()):
        for head, architecture in HEADS.items():
            generator = torch.Generator().manual_seed(SEED + number)
            folder = os.path.join(HERE, f"{family}-{head}")
            config = AutoConfig.for_model(**fields, **({} if head == "masked" else {"num_labels": 5}))
            model = architecture.from_config(config, attn_implementation="eager").eval()
            randomise(model, generator)
            model.tie_weights()
            shutil.rmtree(folder, ignore_errors=True)
            model.save_pretrained(folder)
            wanted = gradients if head == "masked" else ["classifier.weight", "classifier.bias"]
            tensors = expected(model, VOCAB if head == "masked" else 5, wanted, generator)
            safetensors.torch.save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(HERE, "token-head-versions.json"), "w") as file:
        json.dump(dict(seed=SEED, torch=torch.__version__, transformers=transformers.__version__,
                       safetensors=safetensors.__version__), file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
