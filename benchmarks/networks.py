"""The networks that both sides train: written once, as a configuration; and the same in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from convcli.nn.config import Config

IMAGE = (28, 28, 1)
CLASSES = 10

_CONV = {"type": "conv", "kernel": 3, "padding": "same", "activation": "relu"}
_HALVE = {"type": "max_pool", "size": 2}
_DROP = {"type": "dropout", "rate": 0.25}
_DENSE = {"type": "dense", "activation": "relu"}

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
}

BATCHES = {"SEED": 256, "SMALL": 64}


def convcli_config(network: str, batch: int) -> Config:
    """Return the configuration of a network, trained with Adam for longer than anybody waits."""
    from convcli.nn.config import validate

    document = {
        "data": {"source": "digits", "validation": 0},
        "layers": LAYERS[network],
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
                padding = layer.get("padding", "valid")
                modules.append(nn.Conv2d(channels, layer["filters"], layer["kernel"], padding=padding))
                channels = layer["filters"]
                shrink = 0 if padding == "same" else layer["kernel"] - 1
                rows, columns = rows - shrink, columns - shrink
            case "max_pool":
                modules.append(nn.MaxPool2d(layer["size"]))
                rows, columns = rows // layer["size"], columns // layer["size"]
            case "dropout":
                modules.append(nn.Dropout(layer["rate"]))
            case "flatten":
                modules.append(nn.Flatten())
                features = rows * columns * channels
            case "dense":
                units = layer.get("units", CLASSES)
                modules.append(nn.Linear(features, units))
                features = units
            case other:
                raise ValueError(f"the benchmarks have no {other} layer for PyTorch")
        if layer.get("activation") == "relu":
            modules.append(nn.ReLU())
    return nn.Sequential(*modules)
