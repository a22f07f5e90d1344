"""Networks with weights at random, in float64, and what PyTorch makes of the same."""

from __future__ import annotations

import numpy as np

from convcli.nn.weights import NetworkWeights
from nn.cases import FACTS
from report.cases import model

CONV = {"type": "conv", "filters": 4, "padding": "same", "activation": "relu"}
NORM = [{**CONV, "activation": "none"}, {"type": "batch_norm"}, {"type": "activation", "function": "silu"}]
END = [{"type": "flatten"}, {"type": "dense"}]
SIZE = (12, 16, 3)

NETWORKS = {
    "convolutions and pools": [CONV, {"type": "max_pool"}, CONV, {"type": "max_pool"}, *END],
    "valid": [{"type": "conv", "filters": 3, "kernel": [5, 3], "stride": [2, 1], "activation": "relu"}, *END],
    "batch_norm": [*NORM, {"type": "avg_pool"}, *NORM, {"type": "global_avg_pool"}, {"type": "dense"}],
    "a residual": [
        CONV,
        {"type": "residual", "activation": "relu", "layers": [{**CONV, "stride": 2}, *NORM[:2]]},
        {"type": "global_max_pool"},
        {"type": "dense"},
    ],
    "branches": [
        CONV,
        {
            "type": "parallel",
            "branches": [CONV, {"layers": [{**CONV, "kernel": 5}, {"type": "group_norm", "groups": 2}]}],
        },
        {"type": "avg_pool", "size": 3, "stride": 2, "padding": 1},
        *END,
    ],
    "all in one row": [
        {"type": "sequence", "layers": [CONV, {"type": "max_pool"}, {"type": "dropout"}, *END]},
    ],
    "down and up": [
        {"type": "separable_conv", "filters": 4, "stride": 2, "padding": "same", "activation": "gelu"},
        {"type": "transposed_conv", "filters": 3, "kernel": 2, "stride": 2, "activation": "elu"},
        {"type": "prelu"},
        {"type": "adaptive_avg_pool", "output_size": [5, 3]},
        *END,
    ],
    "repeated": [{**CONV, "repeat": 2}, {"type": "layer_norm"}, {"type": "max_pool"}, *END],
    "dense alone": [
        {"type": "flatten"},
        {"type": "dense", "units": 7, "activation": "tanh"},
        {"type": "dense"},
    ],
}
CLASSES = ("cat", "dog", "eel", "fox")


def made(layers, *, size=SIZE, flips=False, seed=0):
    """Return a model in float64 whose running figures, biases and slopes are at random too."""
    built = model(layers, size, CLASSES, seed=seed)
    rng = np.random.default_rng(seed + 1)
    weights = NetworkWeights.initial(built.network, rng, np.float64)
    weights.trained += rng.normal(0, 0.1, weights.trained.shape)
    weights.kept += rng.uniform(0, 0.5, weights.kept.shape)
    config = built.config.model_copy(
        update={"evaluation": built.config.evaluation.model_copy(update={"flips": flips})}
    )
    return type(built)(built.network, weights, built.preprocessing, built.loss, built.classes, config)


def picture(seed=3, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)


def twin(torch, model):
    """Return the network as modules of PyTorch, one for each outer layer, for (n, c, h, w) of 0 … 255."""
    weights, network = model.weights, model.network
    arrays = {**network.trained.named(weights.trained), **network.kept.named(weights.kept)}

    def module(forward):
        made = torch.nn.Module()
        made.forward = forward
        return made

    def layered(layer, number):
        parted = [(*name.split(".", 1), torch.tensor(array)) for name, array in arrays.items()]
        own = {name: array for at, name, array in parted if at == str(number)}
        return module(lambda x: FACTS[layer.name()].torch(torch, layer, x, own, False))

    layers = (layered(layer, number) for number, layer in enumerate(network.layers, 1))
    return torch.nn.Sequential(module(lambda pixels: pixels / 255), *layers)


def pixels_of(torch, image):
    """Return an image (h, w, c) as PyTorch takes it."""
    return torch.tensor(image[None].astype(np.float64)).permute(0, 3, 1, 2)
