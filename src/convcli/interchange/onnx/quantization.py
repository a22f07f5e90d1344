"""A network in 8 bits, by onnxruntime's own tools, and what that costs, measured through onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from convcli.data import Dataset
from convcli.engine.workspace import Array
from convcli.extras import extra
from convcli.interchange.onnx.network import IMAGES, LOGITS, Input

WHAT = "export --to onnx --quantize int8"
SEEN = 512
"""How many training images tell how far numbers reach."""
BATCH = 64

LEAST_OPSET = 13
"""The first in which each channel's weights have a scale of their own."""

OPERATORS = ["Conv", "ConvTranspose", "Gemm", "MatMul"]
"""Whose inputs, weights and outputs have 8 bits. What is before the layers and behind them keeps its 32."""


def quantized(proto: Any, images: Dataset, given: Input) -> Any:
    """Return a ModelProto whose convolutions and dense layers work on 8 bits, signed.

    Scales are those of the smallest and largest numbers that up to `SEEN` of the images, evenly spread, give;
    weights have one for each channel. Batch normalisation goes into the weights before it.

    Raises MissingExtraError if onnxruntime is not installed.
    """
    quantization = extra("onnxruntime.quantization", "onnx", WHAT)
    shapes = extra("onnxruntime.quantization.shape_inference", "onnx", WHAT)
    onnx = extra("onnx", "onnx", WHAT)
    seen = images.take(np.unique(np.linspace(0, len(images) - 1, SEEN).astype(np.int64)))
    with TemporaryDirectory() as folder:
        whole, ready, done = (str(Path(folder) / f"{name}.onnx") for name in ("whole", "ready", "done"))
        onnx.save(proto, whole)
        shapes.quant_pre_process(whole, ready, skip_symbolic_shape=True)
        quantization.quantize_static(
            ready,
            done,
            _Reader(seen, given),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=OPERATORS,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        small = onnx.load(done)
    used = [each for each in small.opset_import if not each.domain]  # of many that onnxruntime names
    del small.opset_import[:]
    small.opset_import.extend(used)
    return small


class _Reader:
    """Hands batches of images to onnxruntime's calibration, until there are no more."""

    def __init__(self, images: Dataset, given: Input) -> None:
        self._batches = _batches(images, given)

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)


def accuracy(proto: Any, images: Dataset, given: Input) -> float:
    """Return the share of images for which a network as ONNX gives their class, through onnxruntime."""
    runtime = extra("onnxruntime", "onnx", WHAT)
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run([LOGITS], batch)[0] for batch in _batches(images, given)])
    return float((logits.argmax(1) == images.labels).mean())


def _batches(images: Dataset, given: Input) -> Iterator[dict[str, Array]]:
    """Yield images as the network takes them, by the name of its input."""
    for start in range(0, len(images), BATCH):
        batch = images.take(np.arange(start, min(start + BATCH, len(images)))).images
        yield {IMAGES: batch if given == "uint8" else _scaled(batch)}


def _scaled(images: Array) -> Array:
    """Return images (n, h, w, c) of 0 … 255 as (n, c, h, w), float32 from 0 to 1."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
