"""Makes trajectories.json: what PyTorch's optimizers and schedules do, for tests on machines without it.

    python tests/data_torch/make_trajectories.py

The stored numbers are from PyTorch 2.13.0, in float64. A test makes them anew wherever PyTorch is installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("trajectories.json")

STEPS, SIZE = 12, 5

# case: (options in a configuration, PyTorch's class and options)
OPTIMIZERS = {
    "sgd": ({"type": "sgd", "learning_rate": 0.1}, "SGD", {"lr": 0.1}),
    "sgd, momentum": (
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        "SGD",
        {"lr": 0.1, "momentum": 0.9},
    ),
    "sgd, nesterov": (
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.8, "nesterov": True},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    "sgd, L2": (
        {"type": "sgd", "learning_rate": 0.1, "weight_decay": 0.3},
        "SGD",
        {"lr": 0.1, "weight_decay": 0.3},
    ),
    "sgd, nesterov, L2": (
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
    ),
    "rmsprop": ({"type": "rmsprop", "learning_rate": 0.05}, "RMSprop", {"lr": 0.05}),
    "rmsprop, momentum": (
        {"type": "rmsprop", "learning_rate": 0.05, "rho": 0.9, "momentum": 0.7, "epsilon": 1e-3},
        "RMSprop",
        {"lr": 0.05, "alpha": 0.9, "momentum": 0.7, "eps": 1e-3},
    ),
    "adam": ({"type": "adam", "learning_rate": 0.05}, "Adam", {"lr": 0.05}),
    "adam, other betas": (
        {"type": "adam", "learning_rate": 0.05, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-2},
        "Adam",
        {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-2},
    ),
    "adam, L2": (
        {"type": "adam", "learning_rate": 0.05, "weight_decay": 0.3},
        "Adam",
        {"lr": 0.05, "weight_decay": 0.3},
    ),
    "adamw": ({"type": "adamw", "learning_rate": 0.05}, "AdamW", {"lr": 0.05}),
    "adamw, strong decay": (
        {"type": "adamw", "learning_rate": 0.05, "weight_decay": 0.5},
        "AdamW",
        {"lr": 0.05, "weight_decay": 0.5},
    ),
}

STEPS_PER_EPOCH = 4

# case: (options in a configuration, epochs, PyTorch's class and options, in steps)
SCHEDULES = {
    "constant": ({"type": "constant"}, 3, "ConstantLR", {"factor": 1.0}),
    "step": (
        {"type": "step", "every": 2, "gamma": 0.5},
        7,
        "StepLR",
        {"step_size": 2 * STEPS_PER_EPOCH, "gamma": 0.5},
    ),
    "cosine": ({"type": "cosine"}, 5, "CosineAnnealingLR", {"T_max": 5 * STEPS_PER_EPOCH}),
    "cosine, final": (
        {"type": "cosine", "final": 0.25},
        5,
        "CosineAnnealingLR",
        {"T_max": 5 * STEPS_PER_EPOCH, "eta_min": 0.25},
    ),
    "one_cycle": (
        {"type": "one_cycle"},
        5,
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 5 * STEPS_PER_EPOCH},
    ),
    "one_cycle, other options": (
        {"type": "one_cycle", "rise": 0.5, "start": 10, "end": 100},
        6,
        "OneCycleLR",
        {
            "max_lr": 1.0,
            "total_steps": 6 * STEPS_PER_EPOCH,
            "pct_start": 0.5,
            "div_factor": 10,
            "final_div_factor": 100,
        },
    ),
    "one_cycle, a triangle": (
        {"type": "one_cycle", "rise": 0.25, "start": 5, "end": 3, "anneal": "linear"},
        5,
        "OneCycleLR",
        {
            "max_lr": 1.0,
            "total_steps": 5 * STEPS_PER_EPOCH,
            "pct_start": 0.25,
            "div_factor": 5,
            "final_div_factor": 3,
            "anneal_strategy": "linear",
        },
    ),
}


def start_and_gradients():
    """Return the parameters (SIZE,) at the start and the gradient (STEPS, SIZE) of every step."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(SIZE), rng.standard_normal((STEPS, SIZE))


def optimizer_trajectory(name, options):
    """Return the parameters (STEPS, SIZE) after every step."""
    import torch

    start, gradients = start_and_gradients()
    parameters = torch.nn.Parameter(torch.tensor(start))
    optimizer = getattr(torch.optim, name)([parameters], **options)
    rows = []
    for gradient in gradients:
        parameters.grad = torch.tensor(gradient)
        optimizer.step()
        rows.append(parameters.detach().tolist())
    return rows


def schedule_trajectory(name, options, steps):
    """Return the learning rate of every step, where the optimizer's own is 1."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for step in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    return rates


def trajectories():
    """Return all of them, computed now."""
    return {
        "optimizers": {
            case: optimizer_trajectory(name, options) for case, (_, name, options) in OPTIMIZERS.items()
        },
        "schedules": {
            case: schedule_trajectory(name, options, epochs * STEPS_PER_EPOCH)
            for case, (_, epochs, name, options) in SCHEDULES.items()
        },
    }


def stored():
    """Return them as stored."""
    return json.loads(FILE.read_text())


if __name__ == "__main__":
    # A line for each step, so that a change shows where it is.
    FILE.write_text(json.dumps(trajectories()).replace("], ", "],\n").replace("}, ", "},\n") + "\n")
