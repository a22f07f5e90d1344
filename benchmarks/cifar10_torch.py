"""The job of `convcli train examples/cifar10.toml` as a PyTorch script: same network, same recipe.

    python -m benchmarks.cifar10_torch CONFIG.toml FOLDER THREADS [training.epochs=N]

FOLDER holds train/ and test/, each with a folder of photos for every class. Prints a line of JSON for each
epoch: the seconds since the start, and the share of the held-out images that the averaged network gets right,
mirror images included; and a last one with that of the test images.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from benchmarks.networks import SHAPES, torch_network

STARTED = time.perf_counter()


def read_folder(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return photos (n, 3, h, w), uint8, and their classes, by the names of their folders."""
    paths = [(path, label) for label, name in enumerate(sorted(folder.iterdir())) for path in name.iterdir()]
    with ThreadPoolExecutor(2) as threads:
        photos = list(threads.map(lambda path: np.asarray(Image.open(path[0]).convert("RGB")), paths))
    images = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor([label for _, label in paths])


def begin(network: torch.nn.Sequential, images: torch.Tensor) -> None:
    """Set the first filters to the principal directions of patches; let the others hand on channels."""
    first, *others = [module for module in network if isinstance(module, torch.nn.Conv2d)]
    rows, columns = first.kernel_size
    patches = images[:5000].unfold(2, rows, 1).unfold(3, columns, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
    variances, directions = torch.linalg.eigh(torch.cov(patches.flatten(0, 2).T.double()))
    strongest = torch.arange(len(variances) - 1, len(variances) - 1 - first.out_channels // 2, -1)
    scaled = (directions[:, strongest] / (variances[strongest] + 5e-4).sqrt()).T
    first.weight.data = torch.cat([scaled, -scaled]).float().reshape(first.weight.shape)
    torch.nn.init.zeros_(first.bias)
    for conv in others:
        torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        torch.nn.init.dirac_(conv.weight[: conv.in_channels])


def augmented(images: torch.Tensor, flip: torch.Tensor, shift: int) -> torch.Tensor:
    """Return images, some mirrored, each moved by up to `shift` pixels and reflected at its border."""
    n, _, rows, columns = images.shape
    padded = functional.pad(
        torch.where(flip[:, None, None, None], images.flip(3), images), (shift,) * 4, "reflect"
    )
    top, left = torch.randint(2 * shift + 1, (2, n))
    down = (top[:, None] + torch.arange(rows))[:, None, :, None]
    across = (left[:, None] + torch.arange(columns))[:, None, None, :]
    return padded[torch.arange(n)[:, None, None, None], torch.arange(3)[None, :, None, None], down, across]


def rates(recipe: dict[str, Any], steps: int) -> Iterator[float]:
    """Yield the learning rate of each step: up along a line, then down."""
    schedule, top = recipe["schedule"], recipe["optimizer"]["learning_rate"]
    peak, low = schedule["rise"] * steps - 1, 1 / schedule["start"]
    for step in range(steps):
        if step < peak:
            yield top * (low + (1 - low) * step / peak)
        else:
            yield top * (1 + (low / schedule["end"] - 1) * (step - peak) / (steps - 1 - peak))


def accuracy(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of images that are taken for what they are, by them and their mirror images."""
    network.eval()
    with torch.inference_mode():
        found = [(network(part) + network(part.flip(3))).argmax(1) for part in images.split(512)]
    network.train()
    return float((torch.cat(found) == labels).double().mean())


def main(config: str, folder: str, threads: str, *settings: str) -> None:
    """Train, and measure after every epoch."""
    options = tomllib.loads(Path(config).read_text(encoding="utf-8"))
    recipe = options["training"]
    for setting in settings:
        key, _, value = setting.partition("=")
        recipe[key.removeprefix("training.")] = json.loads(value)
    torch.set_num_threads(int(threads))
    torch.manual_seed(recipe["seed"])
    sgd, batch, average = recipe["optimizer"], recipe["batch_size"], recipe["ema"]
    smoothing = recipe["loss"]["label_smoothing"]
    scale = options["layers"][-1]["factor"]

    photos, labels = read_folder(Path(folder) / "train")
    mean, deviation = (
        figure.reshape(1, 3, 1, 1) for figure in torch.std_mean(photos / 255.0, (0, 2, 3))[::-1]
    )
    images = ((photos / 255.0 - mean) / deviation).contiguous(memory_format=torch.channels_last)
    order = torch.randperm(len(images))
    held_out, train = order[: len(order) // 10], order[len(order) // 10 :]

    network = torch_network(options["layers"], SHAPES["examples/cifar10.toml"])
    begin(network, images[train[:5000]])
    network.to(memory_format=torch.channels_last)
    averaged = deepcopy(network)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    bias = [module.bias for module in network.modules() if getattr(module, "bias", None) is not None]
    names = {id(weight) for weight in bias}
    groups = [
        {
            "params": [w for w in trained if id(w) in names],
            "factor": sgd["bias_rate_factor"],
            "weight_decay": 0.0,
        },
        {"params": [w for w in trained if w.ndim > 1], "factor": 1.0, "weight_decay": sgd["weight_decay"]},
        {
            "params": [w for w in trained if w.ndim == 1 and id(w) not in names],
            "factor": 1.0,
            "weight_decay": 0.0,
        },
    ]
    optimizer = torch.optim.SGD(
        groups, lr=sgd["learning_rate"], momentum=sgd["momentum"], nesterov=sgd["nesterov"]
    )
    rate = rates(recipe, recipe["epochs"] * -(-len(train) // batch))
    mirrored = torch.rand(len(images)) < 0.5
    step = 0
    for epoch in range(recipe["epochs"]):
        for chosen in train[torch.randperm(len(train))].split(batch):
            now = next(rate)
            for group in optimizer.param_groups:
                group["lr"] = now * group["factor"]
            shown = augmented(
                images[chosen], mirrored[chosen] ^ bool(epoch % 2), options["augmentation"]["shift"]
            )
            optimizer.zero_grad()
            outputs = network(shown.contiguous(memory_format=torch.channels_last)) * scale
            functional.cross_entropy(outputs, labels[chosen], label_smoothing=smoothing).backward()
            optimizer.step()
            step += 1
            update, between = divmod(step, average["every"])
            if not between:
                share = 1 - min(average["decay"], update / (update + 9))
                pairs = zip(averaged.state_dict().values(), network.state_dict().values(), strict=True)
                for kept, new in pairs:
                    if kept.is_floating_point():
                        kept.lerp_(new, share)
        figure = accuracy(averaged, images[held_out], labels[held_out])
        seconds = time.perf_counter() - STARTED
        line = {"epoch": epoch + 1, "seconds": round(seconds, 1), "validation_accuracy": figure}
        print(json.dumps(line), flush=True)  # noqa: T201  (a script's result)

    photos, labels = read_folder(Path(folder) / "test")
    figure = accuracy(averaged, (photos / 255.0 - mean) / deviation, labels)
    print(json.dumps({"test_accuracy": figure}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
