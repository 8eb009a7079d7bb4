"""Makes optimizers.json and schedules.json: runs of torch.optim and factors of transformers' schedules.

Run in this folder with a Python that has torch and transformers. The seed is fixed; the versions are recorded in the files.
"""

import json
import math

import torch
import transformers

SEED, STEPS = 7, 20
SHAPES = {"first.weight": (3, 5), "first.bias": (7,), "second.weight": (2, 9)}

OPTIMIZERS = {
    "adamw_defaults": (torch.optim.AdamW, {}),
    "adamw": (torch.optim.AdamW, dict(lr=3e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "sgd": (torch.optim.SGD, dict(lr=5e-2, weight_decay=0.03)),
    "sgd_momentum": (torch.optim.SGD, dict(lr=5e-2, momentum=0.9, weight_decay=0.01)),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=5e-2, momentum=0.9, nesterov=True)),
}


def flat(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def optimizer_runs():
    generator = torch.Generator().manual_seed(SEED)
    start = {n: torch.randn(s, generator=generator) for n, s in SHAPES.items()}
    gradients = [
        # The second weight has no gradient in every third step; nothing of it may change then.
        {
            n: None if n == "second.weight" and step % 3 == 0 else torch.randn(s, generator=generator)
            for n, s in SHAPES.items()
        }
        for step in range(STEPS)
    ]
    runs = {}
    for name, (kind, options) in OPTIMIZERS.items():
        parameters = {n: torch.nn.Parameter(t.clone()) for n, t in start.items()}
        optimizer = kind(parameters.values(), foreach=False, **options)
        for step in range(STEPS):
            for n, parameter in parameters.items():
                gradient = gradients[step][n]
                parameter.grad = None if gradient is None else gradient.clone()
            optimizer.step()
        runs[name] = {n: flat(p) for n, p in parameters.items()}

    clipped = {n: torch.nn.Parameter(t.clone()) for n, t in start.items()}
    norms = []
    optimizer = torch.optim.SGD(clipped.values(), lr=0.1, foreach=False)
    for step in range(STEPS):
        for n, parameter in clipped.items():
            gradient = gradients[step][n]
            parameter.grad = None if gradient is None else gradient.clone()
        norms.append(float(torch.nn.utils.clip_grad_norm_(clipped.values(), 5.5)))
        optimizer.step()
    runs["sgd_clipped"] = {n: flat(p) for n, p in clipped.items()}
    return {
        "shapes": {n: list(s) for n, s in SHAPES.items()},
        "start": {n: flat(t) for n, t in start.items()},
        "gradients": [
            {n: flat(g) for n, g in step.items() if g is not None} for step in gradients
        ],
        "runs": runs,
        "norms": norms,
    }


def schedule_factors():
    rows = []
    for warmup, total in [(0, 10), (3, 10), (5, 37), (10, 10)]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedules = {
            "constant": transformers.get_constant_schedule_with_warmup(optimizer, warmup),
            "linear": transformers.get_linear_schedule_with_warmup(optimizer, warmup, total),
            "cosine": transformers.get_cosine_schedule_with_warmup(optimizer, warmup, total),
            "cosine_minimum": transformers.get_cosine_with_min_lr_schedule_with_warmup(
                optimizer, warmup, total, min_lr_rate=0.1
            ),
        }
        for name, schedule in schedules.items():
            factors = [schedule.lr_lambdas[0](step) for step in range(total + 1)]
            assert all(math.isfinite(f) for f in factors)
            rows.append({"name": name, "warmup": warmup, "total": total, "factors": factors})
    return rows


def write(name, content):
    record = {"torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED}
    with open(name, "w") as file:
        json.dump({"made_with": record, **content}, file)
        file.write("\n")


write("optimizers.json", optimizer_runs())
write("schedules.json", {"schedules": schedule_factors()})
