"""Training and inference beside PyTorch and onnxruntime: throughput, share of the peak, threads, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measuring import Measure, Quantity, Reading, seconds_per_call
from benchmarks.networks import BATCHES, CLASSES, LAYERS, SHAPES, convcli_config, onnx_model, torch_network
from benchmarks.setting import Setting
from benchmarks.sides import Call, Match, Side

if TYPE_CHECKING:
    from convcli.nn.network import Network


EPOCH = 50_000
"""Images of a training that begins with what a side does once: to compile, or to fork."""


ON_A_CURVE = ("SEED", "SMALL")
"""Networks that are trained on one thread and on more."""


AUGMENTATIONS: Mapping[str, Mapping[str, Any]] = {
    "flip, shift, cutout": {"flip": "horizontal", "shift": 2, "cutout": 8},
    "policy light": {"policy": "light"},
    "policy strong": {"policy": "strong"},
}
"""What changes training images, by what its side is called."""


@dataclass(frozen=True)
class Job:
    """What a side has to do: to train a network, and to predict unless that is not asked for."""

    network: str
    batch: int
    images: int
    threads: int
    inference: bool = True


def throughput(setting: Setting) -> Iterator[Match]:
    """Compare images per second on every network, with all who train or predict."""
    peak = Side("NumPy, 1024³ product", Call(product, as_convcli=True))
    for network, batch in BATCHES.items():
        job = Job(network, batch, setting.sizes.images[network], setting.threads)
        yield Match(
            [*(side(trainer, job) for trainer in TRAINERS), peak],
            [
                Quantity(f"{network}, training, batch {batch}", "images/s", "training"),
                Quantity(
                    f"{network}, training, {EPOCH:,} images from the first", "images/s", "from the first"
                ),
                Quantity(f"{network}, inference", "images/s", "inference"),
                Quantity(f"{network}, training, arithmetic", "GFLOP/s", "GFLOP/s"),
            ],
        )


def threads(setting: Setting) -> Iterator[Match]:
    """Compare images per second at 1, 2, 4, … threads."""
    counts = [2**power for power in range(setting.threads.bit_length())]
    names = {count: f"{count} thread{'s' * (count > 1)}" for count in counts}
    for network in ON_A_CURVE:
        batch = BATCHES[network]
        sides, quantities = [], []
        for count, name in reversed(names.items()):
            job = Job(network, batch, setting.sizes.images[network], count, inference=False)
            sides.append(side("convcli", job, f"convcli, {name}"))
            sides.append(side("PyTorch, channels_last", job, f"PyTorch, {name}"))
        for count, name in names.items():
            yourself = ["convcli, 1 thread"] if count > 1 else []
            quantities.append(
                Quantity(
                    f"{network}, batch {batch}, {name}",
                    "images/s",
                    "training",
                    f"convcli, {name}",
                    (f"PyTorch, {name}", *yourself),
                    count,
                    network,
                )
            )
        yield Match(sides, quantities)


def augmented(setting: Setting) -> Iterator[Match]:
    """Compare images per second with and without augmentation, on colour images."""
    job = Job("CIFAR", BATCHES["CIFAR"], setting.sizes.images["CIFAR"], setting.threads, inference=False)
    sides = [
        Side(name, Call(partial(convcli_side, job, augmentation), as_convcli=True), threads=job.threads)
        for name, augmentation in {"convcli": None, **AUGMENTATIONS}.items()
    ]
    yield Match(sides, [Quantity(f"{job.network}, training, batch {job.batch}", "images/s", "training")])


def batch_memory(setting: Setting) -> Iterator[Match]:
    """Compare the peak memory of a training step as the batch grows."""
    for batch in setting.sizes.batches:
        job = Job("SEED", batch, batch, setting.threads, inference=False)
        yield Match(
            [side("convcli", job, once=True), side("PyTorch, contiguous", job, "PyTorch", once=True)],
            [Quantity(f"SEED, batch {batch:,}", "MB", "peak MB", at=batch, line="SEED")],
            runs=1,
        )


def side(trainer: str, job: Job, name: str = "", *, once: bool = False) -> Side:
    """Return one of `TRAINERS` with its job."""
    found = TRAINERS[trainer]
    call = Call(partial(found.set_up, job), found.as_convcli, once)
    return Side(name or trainer, call, found.needs, job.threads)


# What runs in a side's own process.


def convcli_side(job: Job, augmentation: Mapping[str, Any] | None = None) -> Measure:
    """Set up `Training` as the command does; a run learns from `job.images` images and predicts as many."""
    from convcli import build
    from convcli.data import Dataset, Splits
    from convcli.training import BatchDone

    pixels, labels = random_images(job)
    dataset = Dataset(pixels, labels, tuple(map(str, range(CLASSES))))
    config = convcli_config(job.network, job.batch, augmentation)
    training = build.new_training(config, Splits(dataset, None, None, ()), job.threads)
    steps: Iterator[Any] = (event for event in training.run() if isinstance(event, BatchDone))
    arithmetic = training_flops(training.model.network) / 1e9

    def learn() -> None:
        for _ in range(training.batches):
            next(steps)

    reading = _reading(job, learn, lambda: training.model.predict(pixels))
    return lambda: (found := reading()) | {"GFLOP/s": found["training"] * arithmetic}


def training_flops(network: Network) -> int:
    """Return the floating-point operations of the products that one image takes in training.

    Each layer's multiply-adds count three times (its output, the gradient of its weights, the gradient of
    its input), the first layer's twice, because nobody asks for the gradient of the image.
    """
    counts = [
        layer.multiply_adds(shape) for layer, shape in zip(network.layers, network.shapes[:-1], strict=True)
    ]
    return 2 * (3 * sum(counts) - counts[0])


def torch_side(job: Job, *, layout: str, compiled: bool = False) -> Measure:
    """Set up the usual loop over batches of a tensor in memory, shuffled each time."""
    if compiled:
        os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # it compiles as for a user's first time
    import torch

    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    order = getattr(torch, layout)
    pixels, numbers = random_images(job)
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=order)
    labels = torch.from_numpy(numbers)
    network = torch_network(LAYERS[job.network], SHAPES[job.network]).to(memory_format=order)
    model = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters())
    loss = torch.nn.CrossEntropyLoss()

    def learn() -> None:
        model.train()
        for chosen in torch.randperm(job.images).split(job.batch):
            optimizer.zero_grad()
            loss(model(inputs[chosen]), labels[chosen]).backward()
            optimizer.step()

    def predict() -> None:
        model.eval()
        with torch.inference_mode():
            for part in inputs.split(256):
                model(part).softmax(1)

    return _reading(job, learn, predict)


def onnx_side(job: Job) -> Measure:
    """Set up onnxruntime's inference of the same network, on a tensor in memory."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    model = onnx_model(LAYERS[job.network], SHAPES[job.network])
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inputs = np.ascontiguousarray(random_images(job)[0].transpose(0, 3, 1, 2), np.float32) / 255

    def predict() -> None:
        for start in range(0, job.images, 256):
            session.run(None, {"images": inputs[start : start + 256]})

    return lambda: {"inference": job.images / seconds_per_call(predict)} if job.inference else {}


@dataclass(frozen=True)
class Trainer:
    """Who trains, or predicts alone: what sets it up for a job, and what it needs."""

    set_up: Callable[[Job], Measure]
    needs: tuple[str, ...] = ()
    as_convcli: bool = False


TRAINERS = {
    "convcli": Trainer(convcli_side, as_convcli=True),
    "PyTorch, contiguous": Trainer(partial(torch_side, layout="contiguous_format"), ("torch",)),
    "PyTorch, channels_last": Trainer(partial(torch_side, layout="channels_last"), ("torch",)),
    "PyTorch, compiled": Trainer(
        partial(torch_side, layout="channels_last", compiled=True), ("torch", "g++")
    ),
    "onnxruntime": Trainer(onnx_side, ("onnxruntime", "onnx", "torch")),
}


def _reading(
    job: Job, learn: Callable[[], object], predict: Callable[[], object]
) -> Callable[[], dict[str, float]]:
    """Learn once from all images, and return what measures another such pass, and predictions for them."""
    first = _seconds(learn)

    def measure() -> dict[str, float]:
        seconds = _seconds(learn)
        whole = first + seconds * (EPOCH - job.images) / job.images
        reading = {"training": job.images / seconds, "from the first": EPOCH / whole}
        if job.inference:
            reading["inference"] = job.images / seconds_per_call(predict)
        return reading

    return measure


def _seconds(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def product() -> Measure:
    """Multiply two float32 matrices of 1024 × 1024."""
    rng = np.random.default_rng(0)
    left, right = (rng.random((1024, 1024), np.float32) for _ in range(2))
    result = np.empty_like(left)

    def measure() -> Reading:
        seconds = seconds_per_call(lambda: np.matmul(left, right, out=result))
        return {"GFLOP/s": 2 * 1024**3 / seconds / 1e9}

    return measure


def random_images(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels and labels to learn from, the same for all sides."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (job.images, *SHAPES[job.network]), np.uint8)
    return pixels, rng.integers(0, CLASSES, job.images)
