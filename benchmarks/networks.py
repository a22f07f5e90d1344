"""The networks that all sides train: written once, as a configuration; and the same in PyTorch and ONNX."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.setting import ROOT

if TYPE_CHECKING:
    import torch

    from convcli.nn.config import Config

CLASSES = 10
RECIPE = ROOT / "examples" / "cifar10.toml"

_MNIST, _CIFAR = (28, 28, 1), (32, 32, 3)
_CONV: dict[str, Any] = {"type": "conv", "kernel": 3, "padding": "same", "activation": "relu"}
_HALVE = {"type": "max_pool", "size": 2}
_DROP = {"type": "dropout", "rate": 0.25}
_DENSE = {"type": "dense", "activation": "relu"}
_NORM: list[dict[str, Any]] = [
    {**_CONV, "activation": "none"},
    {"type": "batch_norm"},
    {"type": "activation", "function": "relu"},
]


def _cifar(conv: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first, *rest = conv
    blocks = [[{**first, "filters": filters}, *rest] for filters in (32, 32, 64, 64)]
    return [
        *blocks[0],
        *blocks[1],
        _HALVE,
        *blocks[2],
        *blocks[3],
        _HALVE,
        {"type": "flatten"},
        {"type": "dense", "units": CLASSES},
    ]


LAYERS: dict[str, list[dict[str, Any]]] = {
    "SEED": [
        {**_CONV, "filters": 32},
        {**_CONV, "filters": 32},
        _HALVE,
        _DROP,
        {**_CONV, "filters": 64},
        {**_CONV, "filters": 64},
        _HALVE,
        _DROP,
        {"type": "flatten"},
        {**_DENSE, "units": 256},
        {**_DENSE, "units": 32},
        {"type": "dense", "units": CLASSES},
    ],
    "SMALL": [
        {**_CONV, "filters": 8},
        _HALVE,
        {**_CONV, "filters": 16},
        _HALVE,
        {"type": "flatten"},
        {**_DENSE, "units": 64},
        {"type": "dense", "units": CLASSES},
    ],
    "examples/cifar10.toml": tomllib.loads(RECIPE.read_text(encoding="utf-8"))["layers"],
    "CIFAR": _cifar([_CONV]),
    "CIFAR with batch_norm": _cifar(_NORM),
}

BATCHES = {"SEED": 256, "SMALL": 64, "examples/cifar10.toml": 512, "CIFAR": 128, "CIFAR with batch_norm": 128}
SHAPES = {
    "SEED": _MNIST,
    "SMALL": _MNIST,
    "examples/cifar10.toml": _CIFAR,
    "CIFAR": _CIFAR,
    "CIFAR with batch_norm": _CIFAR,
}


def convcli_config(network: str, batch: int, augmentation: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration of a network, trained with Adam for longer than anybody waits."""
    from convcli.nn.config import validate

    document = {
        "data": {"source": "digits", "validation": 0},
        "layers": LAYERS[network],
        "augmentation": augmentation or {},
        "training": {"epochs": 10**9, "batch_size": batch, "optimizer": {"type": "adam"}},
    }
    return validate(document, f"benchmark network {network}")


def torch_network(layers: Sequence[dict[str, Any]], shape: tuple[int, int, int]) -> torch.nn.Sequential:
    """Return the network that [[layers]] describe for inputs of `shape` (h, w, c), with PyTorch's layers.

    Raises
    ------
    ValueError
        If a layer is none of those that the benchmarks use.
    """
    from torch import nn

    (rows, columns, channels), modules = shape, list[nn.Module]()
    features = 0
    for layer in layers:
        match layer["type"]:
            case "conv":
                kernel, stride = layer["kernel"], layer.get("stride", 1)
                padding = kernel // 2 if layer.get("padding") == "same" else 0  # such kernels are odd
                bias = layer.get("bias", True)
                conv = nn.Conv2d(channels, layer["filters"], kernel, stride, padding, bias=bias)
                conv.weight.requires_grad = layer.get("init") != "whiten"
                modules.append(conv)
                channels = layer["filters"]
                rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in (rows, columns))
            case "max_pool":
                modules.append(nn.MaxPool2d(layer["size"]))
                rows, columns = rows // layer["size"], columns // layer["size"]
            case "dropout":
                modules.append(nn.Dropout(layer["rate"]))
            case "batch_norm":
                modules.append(nn.BatchNorm2d(channels))
            case "activation":
                pass  # whose function is named as a layer's is
            case "global_max_pool":
                modules += [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
                features = channels
            case "scale":
                pass  # for the learning rate, nothing to the time
            case "flatten":
                modules.append(nn.Flatten())
                features = rows * columns * channels
            case "dense":
                units = layer.get("units", CLASSES)
                modules.append(nn.Linear(features, units, bias=layer.get("bias", True)))
                features = units
            case other:
                raise ValueError(f"the benchmarks have no {other} layer for PyTorch")
        modules += _activation(layer.get("activation", layer.get("function")))
    return nn.Sequential(*modules)


def _activation(function: object) -> list[torch.nn.Module]:
    from torch import nn

    match function:
        case "relu":
            return [nn.ReLU()]
        case {"type": "gelu", "approximate": str(approximate)}:
            return [nn.GELU(approximate)]
        case _:
            return []


def onnx_model(layers: Sequence[dict[str, Any]], shape: tuple[int, int, int]) -> bytes:
    """Return that network, and the softmax after it, as an ONNX model for any number of images."""
    import io
    import warnings

    import torch

    rows, columns, channels = shape
    network = torch.nn.Sequential(torch_network(layers, shape), torch.nn.Softmax(1)).eval()
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of this exporter: the newer one needs a package more
        torch.onnx.export(
            network,
            (torch.zeros(1, channels, rows, columns),),
            file,
            dynamo=False,
            input_names=["images"],
            dynamic_axes={"images": {0: "n"}},
        )
    return file.getvalue()
