"""Writes tiny random encoders, and what Transformers computes with them.

    python make_encoders.py

Each case is a folder with the files of `save_pretrained` of a sequence classifier and `expected.safetensors`:

    ids, lengths            [3, T] right-padded rows, and how long each is
    types                   [3, T] kinds of tokens, where the family has them
    logits                  [3, C] of the padded batch
    plain                   [3, C] without kinds of tokens
    states                  [3, T, D] hidden states after the last block
    means                   [3, D] their normalised means over the tokens of each row
    labels, loss            of the batch
    gradient.<name>         of the loss, for some parameters

Weights are random in every part: initial values of zero or one would hide a bias or a norm that is left out.
`encoder-versions.json` says with what the files were made.
"""

import json
import os
import shutil

import safetensors.torch
import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20260
VOCAB, WIDTH, LENGTHS = 48, 16, [12, 7, 2]
SMALL = dict(vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=24, num_hidden_layers=2,
             num_attention_heads=4, max_position_embeddings=24)
# name: configuration, parameters whose gradient is stored, how the folder differs from what is saved today
CASES = {
    "bert": (dict(SMALL, model_type="bert", num_labels=3),
             ["bert.encoder.layer.0.attention.self.query.weight",
              "bert.encoder.layer.1.output.LayerNorm.weight", "bert.pooler.dense.bias",
              "bert.embeddings.token_type_embeddings.weight"], ""),
    "bert-older": (dict(SMALL, model_type="bert", num_labels=2, hidden_act="relu", type_vocab_size=3,
                        layer_norm_eps=1e-3), [], "gamma"),
    "roberta": (dict(SMALL, model_type="roberta", num_labels=3, type_vocab_size=1),
                ["roberta.encoder.layer.0.attention.self.value.weight",
                 "roberta.embeddings.position_embeddings.weight", "classifier.dense.weight"], ""),
    "distilbert": (dict(model_type="distilbert", vocab_size=VOCAB, dim=WIDTH, hidden_dim=24, n_layers=2,
                        n_heads=4, max_position_embeddings=24, num_labels=4),
                   ["distilbert.transformer.layer.0.attention.q_lin.weight",
                    "distilbert.transformer.layer.1.ffn.lin2.bias", "pre_classifier.weight"], ""),
}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        parameter.data = 1 + 0.2 * noise if is_norm else 0.3 * noise


def save(model, folder, how):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    if how != "gamma":
        return
    # As the first checkpoints: other names of norms, positions among the tensors, and a head of another task.
    path = os.path.join(folder, "model.safetensors")
    tensors = {}
    for name, value in safetensors.torch.load_file(path).items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        tensors[name] = value
    tensors["bert.embeddings.position_ids"] = torch.arange(24)[None]
    tensors["cls.predictions.bias"] = torch.zeros(VOCAB)
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


def expected(model, wanted, generator):
    longest = max(LENGTHS)
    has_types = getattr(model.config, "type_vocab_size", 0) > 1
    rows = [torch.randint(2, VOCAB, (n,), generator=generator) for n in LENGTHS]
    padding = model.config.pad_token_id
    ids = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r)), value=padding) for r in rows])
    mask = torch.stack([(torch.arange(longest) < n).long() for n in LENGTHS])
    types = (torch.arange(longest) >= 3).long().expand(3, -1).contiguous()
    labels = torch.tensor([1, 0, 1])
    inputs = dict(input_ids=ids, attention_mask=mask)
    typed = dict(inputs, token_type_ids=types) if has_types else inputs
    output = model(**typed, labels=labels)
    output.loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    result = {f"gradient.{name}": gradients[name] for name in wanted}
    with torch.no_grad():
        result["plain"] = model(**inputs).logits
        states = model.base_model(**typed).last_hidden_state
        means = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        result["means"] = torch.nn.functional.normalize(means)
    result |= dict(ids=ids, lengths=torch.tensor(LENGTHS), logits=output.logits.detach(), labels=labels,
                   loss=output.loss.detach(), states=states)
    if has_types:
        result["types"] = types
    return {name: value.contiguous() if value.is_floating_point() else value.to(torch.int32)
            for name, value in result.items()}


def main():
    for number, (name, (fields, wanted, how)) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(SEED + number)
        folder = os.path.join(HERE, name)
        fields = dict(fields)
        labels = fields.pop("num_labels")
        config = AutoConfig.for_model(**fields, num_labels=labels)
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
        randomise(model, generator)
        save(model, folder, how)
        tensors = expected(model, wanted, generator)
        safetensors.torch.save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(HERE, "encoder-versions.json"), "w") as file:
        json.dump(dict(seed=SEED, torch=torch.__version__, transformers=transformers.__version__,
                       safetensors=safetensors.__version__), file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
