"""Training and inference beside PyTorch: throughput, share of the machine's peak, threads, memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measuring import Axis, Case, Measure, Reading, Section, case, seconds_per_call
from benchmarks.networks import BATCHES, CLASSES, IMAGE, LAYERS, convcli_config, torch_network
from benchmarks.setting import Setting
from benchmarks.sides import Call, Once, Side, compare

if TYPE_CHECKING:
    from convcli.nn.network import Network

HERE = "benchmarks.training"
PRODUCT = "NumPy, 1024³ product"


def train(setting: Setting) -> Section:
    """Compare images per second on both networks."""
    cases: list[Case] = []
    notes: list[str] = []
    for network, batch in BATCHES.items():
        sides = [
            convcli(network, setting.sizes.images[network], setting.threads),
            *(pytorch(network, setting.sizes.images[network], layout, setting.threads) for layout in LAYOUTS),
            Side(PRODUCT, Call(f"{HERE}:product", as_convcli=True)),
        ]
        rounds, said = compare(setting, sides[0], sides[1:])
        notes.extend(said)
        cases += [
            case(rounds, f"{network}, training, batch {batch}", "images/s", "training"),
            case(rounds, f"{network}, inference", "images/s", "inference"),
            case(rounds, f"{network}, training, arithmetic", "GFLOP/s", "GFLOP/s"),
        ]
    return Section(
        "Training and inference",
        "Random images of MNIST's shape, Adam, cross-entropy; PyTorch in both memory layouts, on a tensor "
        "that is already scaled. SEED has 4 convolutions and 3 dense layers (0.88 million parameters), SMALL "
        "2 and 2 (0.05 million). Arithmetic: multiply-adds counted, not measured (forward, "
        "gradient of the weights, gradient of the input; the first layer has no such), twice a multiply-add, "
        "beside the float32 matrix product of this machine's BLAS on as many threads: the ratio is the share "
        "of the peak.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
    )


def threads(setting: Setting) -> Section:
    """Compare images per second at 1, 2, 4, … threads."""
    counts = _doubling(setting.threads)
    cases: list[Case] = []
    notes: list[str] = []
    for network, batch in BATCHES.items():
        images = setting.sizes.images[network]
        sides = [
            side
            for count in reversed(counts)
            for side in (
                convcli(network, images, count, _at("convcli", count), inference=False),
                pytorch(network, images, "channels_last", count, _at("PyTorch", count), inference=False),
            )
        ]
        rounds, said = compare(setting, sides[0], sides[1:])
        notes.extend(said)
        for count in counts:
            peers = [_at("PyTorch", count), *([_at("convcli", 1)] if count > 1 else [])]
            name = f"{network}, batch {batch}, {_at('', count)}"
            cases.append(
                case(
                    rounds,
                    name,
                    "images/s",
                    "training",
                    ours=_at("convcli", count),
                    peers=peers,
                    at=count,
                    line=network,
                )
            )
    return Section(
        "Threads",
        "Training on one thread and on more, beside PyTorch (channels_last) on as many, and beside itself on "
        "one.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
        Axis("threads", "log both"),
    )


def batch_memory(setting: Setting) -> Section:
    """Compare the peak memory of a training step as the batch grows."""
    cases: list[Case] = []
    notes: list[str] = []
    for batch in setting.sizes.batches:
        arguments = {
            "network": "SEED",
            "batch": batch,
            "images": batch,
            "threads": setting.threads,
            "inference": False,
        }
        ours = Side("convcli", Once(Call(f"{HERE}:convcli_side", arguments, as_convcli=True)))
        peer = Side("PyTorch", Once(Call(f"{HERE}:torch_side", arguments)), needs=("torch",))
        rounds, said = compare(setting, ours, [peer], warm_ups=0, runs=1)
        notes.extend(said)
        cases.append(case(rounds, f"SEED, batch {batch:,}", "MB", "peak MB", at=batch, line="SEED"))
    return Section(
        "Memory against batch size",
        "Peak memory of a process that trains SEED on one batch, libraries included.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
        Axis("images in a batch", "log x"),
    )


LAYOUTS = ("contiguous", "channels_last")


def convcli(
    network: str, images: int, threads: int, name: str = "convcli", *, inference: bool = True
) -> Side:
    """Return our side of training and inference."""
    arguments = {
        "network": network,
        "batch": BATCHES[network],
        "images": images,
        "threads": threads,
        "inference": inference,
    }
    return Side(name, Call(f"{HERE}:convcli_side", arguments, as_convcli=True), threads=threads)


def pytorch(
    network: str, images: int, layout: str, threads: int, name: str = "", *, inference: bool = True
) -> Side:
    """Return PyTorch's, in one memory layout."""
    arguments = {
        "network": network,
        "batch": BATCHES[network],
        "images": images,
        "threads": threads,
        "layout": layout,
        "inference": inference,
    }
    return Side(
        name or f"PyTorch, {layout}", Call(f"{HERE}:torch_side", arguments), needs=("torch",), threads=threads
    )


def _doubling(most: int) -> list[int]:
    counts = [1]
    while counts[-1] * 2 <= most:
        counts.append(counts[-1] * 2)
    return counts


def _at(side: str, count: int) -> str:
    return f"{side}, {count} thread{'s' * (count > 1)}".removeprefix(", ")


# What runs in a side's own process.


def convcli_side(network: str, batch: int, images: int, threads: int, inference: bool = True) -> Measure:
    """Set up `Training` as the command does; a run learns from `images` images and predicts as many."""
    from convcli import build
    from convcli.data import Dataset, Splits
    from convcli.training import BatchDone

    pixels, labels = _random_images(images)
    dataset = Dataset(pixels, labels, tuple(map(str, range(CLASSES))))
    config = convcli_config(network, batch)
    training = build.new_training(config, Splits(dataset, None, None, ()), threads)
    steps: Iterator[Any] = (event for event in training.run() if isinstance(event, BatchDone))
    arithmetic = training_flops(training.model.network) / 1e9

    def measure() -> Reading:
        started = time.perf_counter()
        for _ in range(training.batches):
            next(steps)
        rate = images / (time.perf_counter() - started)
        reading = {"training": rate, "GFLOP/s": rate * arithmetic}
        if inference:
            reading["inference"] = images / seconds_per_call(lambda: training.model.predict(pixels))
        return reading

    return measure


def training_flops(network: Network) -> int:
    """Return the floating-point operations of the products that one image takes in training.

    Each layer's multiply-adds count three times (its output, the gradient of its weights, the gradient of
    its input), the first layer's twice, because nobody asks for the gradient of the image.
    """
    counts = [
        layer.multiply_adds(shape) for layer, shape in zip(network.layers, network.shapes[:-1], strict=True)
    ]
    return 2 * (3 * sum(counts) - counts[0])


def torch_side(
    network: str, batch: int, images: int, threads: int, layout: str = "contiguous", inference: bool = True
) -> Measure:
    """Set up the usual loop over batches of a tensor in memory, shuffled each time."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    order = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    pixels, numbers = _random_images(images)
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=order)
    labels = torch.from_numpy(numbers)
    model = torch_network(LAYERS[network], IMAGE).to(memory_format=order)
    optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.CrossEntropyLoss()

    def learn() -> None:
        model.train()
        for chosen in torch.randperm(images).split(batch):
            optimizer.zero_grad()
            loss(model(inputs[chosen]), labels[chosen]).backward()
            optimizer.step()

    def predict() -> None:
        model.eval()
        with torch.inference_mode():
            for part in inputs.split(256):
                model(part).softmax(1)

    def measure() -> Reading:
        started = time.perf_counter()
        learn()
        reading = {"training": images / (time.perf_counter() - started)}
        if inference:
            reading["inference"] = images / seconds_per_call(predict)
        return reading

    return measure


def product() -> Measure:
    """Multiply two float32 matrices of 1024 × 1024."""
    rng = np.random.default_rng(0)
    left, right = (rng.random((1024, 1024), np.float32) for _ in range(2))
    result = np.empty_like(left)

    def measure() -> Reading:
        seconds = seconds_per_call(lambda: np.matmul(left, right, out=result))
        return {"GFLOP/s": 2 * 1024**3 / seconds / 1e9}

    return measure


def _random_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, *IMAGE), np.uint8)
    return pixels, rng.integers(0, CLASSES, count)
