"""Makes gpt2/: a tiny GPT-2 with random weights, and how it learns with PyTorch and transformers.

Run in this folder with a Python that has torch and transformers. The seed is fixed; the versions are recorded in run.json.
The loop is written out, since the Trainer of transformers does not weigh micro-batches by their labels in all versions.
"""

import json
import os

import torch
import transformers

SEED, STEPS, ACCUMULATION, BATCH = 11, 12, 2, 3
WARMUP, RATE, CLIP = 2, 1e-2, 0.8
VOCABULARY = 23

torch.manual_seed(SEED)
configuration = transformers.GPT2Config(
    vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, n_positions=32,
    resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.2,
    bos_token_id=0, eos_token_id=0,
)
model = transformers.GPT2LMHeadModel(configuration)
model.save_pretrained("gpt2")
os.remove("gpt2/generation_config.json")

generator = torch.Generator().manual_seed(SEED)


def integer(low, high):
    return int(torch.randint(low, high, (1,), generator=generator))


rows = []
for _ in range(STEPS * ACCUMULATION * BATCH // 2):
    length = integer(4, 12)
    first = integer(0, 5)
    ids = [(first + 3 * k) % VOCABULARY for k in range(length)]
    prompt = integer(1, length - 1)
    rows.append({"ids": ids, "prompt": prompt})


def batch(chosen):
    width = max(len(r["ids"]) for r in chosen)
    pad = [width - len(r["ids"]) for r in chosen]
    return dict(
        input_ids=torch.tensor([r["ids"] + [0] * p for r, p in zip(chosen, pad)]),
        attention_mask=torch.tensor([[1] * len(r["ids"]) + [0] * p for r, p in zip(chosen, pad)]),
        labels=torch.tensor(
            [[-100] * r["prompt"] + r["ids"][r["prompt"]:] + [-100] * p for r, p in zip(chosen, pad)]
        ),
    )


optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, foreach=False)
schedule = transformers.get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
losses, norms, rates = [], [], []
for step in range(STEPS):
    start = step * ACCUMULATION * BATCH
    micro = [
        batch([rows[(start + m * BATCH + k) % len(rows)] for k in range(BATCH)])
        for m in range(ACCUMULATION)
    ]
    counts = [int((m["labels"][:, 1:] != -100).sum()) for m in micro]
    optimizer.zero_grad()
    total = 0.0
    for m, count in zip(micro, counts):
        loss = model(**m).loss * (count / sum(counts))
        loss.backward()
        total += float(loss.detach())
    norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)))
    rates.append(schedule.get_last_lr()[0])
    losses.append(total)
    optimizer.step()
    schedule.step()

with torch.no_grad():
    results = [model(**batch([row])) for row in rows]
    targets = [len(r["ids"]) - r["prompt"] for r in rows]
    evaluation = sum(float(r.loss) * n for r, n in zip(results, targets)) / sum(targets)

with open("gpt2/run.json", "w") as file:
    json.dump(
        {
            "made_with": {
                "torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED,
            },
            "steps": STEPS, "accumulation": ACCUMULATION, "batch": BATCH, "warmup": WARMUP,
            "rate": RATE, "clip": CLIP, "rows": rows, "losses": losses, "norms": norms,
            "rates": rates, "evaluation": evaluation,
        },
        file,
    )
    file.write("\n")
