"""The job of `convcli train examples/mnist.toml` as a PyTorch script: same network, same recipe.

PyTorch has no groups in its batch normalisation: it normalises whole batches.

    python -m benchmarks.mnist_torch CONFIG.toml FOLDER THREADS [training.epochs=N] [data.validation=SHARE]

Prints a line of JSON with the share of the held-out images that the network gets right, as convcli does.
"""

from __future__ import annotations

import gzip
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import torch

from benchmarks.networks import SHAPES, torch_network


def read_idx(path: Path) -> torch.Tensor:
    """Return the array of an IDX file of bytes."""
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy())


def main(config: str, folder: str, threads: str, *settings: str) -> None:
    """Train, and measure on what was held out."""
    options = tomllib.loads(Path(config).read_text(encoding="utf-8"))
    for setting in settings:
        key, _, value = setting.partition("=")
        table, _, name = key.partition(".")
        options[table][name] = json.loads(value)
    recipe = options["training"]
    torch.set_num_threads(int(threads))
    torch.manual_seed(recipe["seed"])

    images = read_idx(Path(folder) / "train-images-idx3-ubyte.gz")[:, None].float() / 255
    labels = read_idx(Path(folder) / "train-labels-idx1-ubyte.gz").long()
    images = (images - images.mean()) / images.std()
    order = torch.randperm(len(images))
    count = round(len(order) * options["data"]["validation"])
    held_out, train = order[:count], order[count:]

    model = torch_network(options["layers"], SHAPES["SEED"])
    rate, batch = recipe["optimizer"]["learning_rate"], recipe["batch_size"]
    sgd, kernels = recipe["optimizer"], [w for w in model.parameters() if w.ndim > 1]
    others = [w for w in model.parameters() if w.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": kernels, "weight_decay": sgd["weight_decay"]}, {"params": others}],
        lr=rate,
        momentum=sgd["momentum"],
        nesterov=sgd["nesterov"],
    )
    steps = recipe["epochs"] * -(-len(train) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, cycle_momentum=False)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=recipe["loss"]["label_smoothing"])
    for _ in range(recipe["epochs"]):
        for chosen in train[torch.randperm(len(train))].split(batch):
            optimizer.zero_grad()
            loss(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
            schedule.step()

    model.eval()
    with torch.inference_mode():
        found = torch.cat([model(images[chosen]).argmax(1) for chosen in held_out.split(256)])
    accuracy = (found == labels[held_out]).float().mean().item()
    print(json.dumps({"best": {"validation_accuracy": accuracy}}))  # noqa: T201  (a script's result)


if __name__ == "__main__":
    main(*sys.argv[1:])
