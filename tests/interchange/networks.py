"""Networks drawn at random over all layer types, which say the same in any format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convcli.errors import ConvcliError
from convcli.nn.config import validate
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from nn.cases import ACTIVATED, FACTS

CLASSES = 4
LARGEST = 1500  # numbers that come out of a layer
LOUDEST = 5.0  # of the outputs: a probability is told from others


def model_of(layers, shape, seed=0, classes=CLASSES, **tables):
    """Return a model with random weights, running figures and preprocessing."""
    config = validate({"data": {"source": "digits"}, "layers": layers, **tables}, "drawn.toml")
    network, rng = Network.classifying(config.layers, shape, classes), np.random.default_rng((seed, 1))
    weights = NetworkWeights.initial(network, rng)
    for name, array in weights.items():
        if name.endswith("variance"):
            array[...] = rng.uniform(0.5, 2, array.shape)
        elif not name.endswith((".W", ".P")):
            array[...] = rng.normal(0.3, 0.4, array.shape)
    mean, deviation = (tuple(rng.uniform(0.2, 0.6, shape[2]).tolist()) for _ in range(2))
    preprocessing = Preprocessing(shape, mean, deviation)
    names = tuple(f"class {k}" for k in range(classes))
    model = Model(network, weights, preprocessing, config.training.loss, names, config)
    last = str(len(network.layers))
    loudness = np.abs(model.outputs(images_for(model, 4))).max()
    for name in (f"{last}.W", f"{last}.b"):
        if name in weights and loudness > LOUDEST:
            weights[name][...] *= LOUDEST / loudness
    return model


def images_for(model, count, seed=0):
    """Return random images (count, h, w, c) of the size that a model takes."""
    shape = (count, *model.preprocessing.shape)
    return np.random.default_rng((seed, 2)).integers(0, 256, shape, dtype=np.uint8)


def case_models():
    """Yield a name and a model for every case of every layer that there is."""
    for name, facts in FACTS.items():
        for label, case in facts.cases.items():
            flat = len(case.shape) == 1
            shape = (1, 1, *case.shape) if flat else case.shape
            layers = [{"type": "flatten"}] * flat + [{"type": name, **case.options}]
            yield f"{name}, {label}", model_of(_ended(layers, shape), shape)


def drawn_model(seed):
    """Return a model with a few layers behind each other, and in each other, that fit."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(5, 12)), int(rng.integers(5, 12)), int(rng.choice([1, 3])))
    layers = _drawn_row(rng, shape, int(rng.integers(2, 6)), ON_VOLUMES)
    if len(_output(layers, shape)) == 3 and rng.random() < 0.7:
        layers.append({"type": "flatten"})
    if len(_output(layers, shape)) == 1:
        layers = _drawn_row(rng, shape, int(rng.integers(0, 3)), ON_FEATURES, layers)
    losses = ["cross_entropy", "focal", "mean_squared_error"]
    tables = {"training": {"loss": str(rng.choice(losses))}, "evaluation": {"flips": bool(rng.integers(2))}}
    return model_of(_ended(layers, shape), shape, seed, **tables)


def _ended(layers, shape):
    flat = len(_output(layers, shape)) == 1
    return [*layers, *([] if flat else [{"type": "flatten"}]), {"type": "dense"}]


def _output(layers, shape):
    if not layers:
        return shape
    config = validate({"data": {"source": "digits"}, "layers": layers}, "drawn.toml")
    return Network(config.layers, shape).shapes[-1]


def _drawn_row(rng, shape, count, kinds, begun=()):
    """Return so many layers that fit each other, behind those that are there."""
    layers, left = list(begun), len(begun) + count
    while len(layers) < left:
        kind = str(rng.choice(list(kinds)))
        try:
            drawn = {"type": kind, **kinds[kind](rng, _output(layers, shape))}
            output = _output([*layers, drawn], shape)
        except ConvcliError:
            continue
        if np.prod(output) <= LARGEST:
            layers.append(drawn)
        if len(output) != len(_output(begun, shape)):
            break
    return layers


Draw = Callable[[np.random.Generator, tuple[int, ...]], dict]


def _pair(rng, least, most):
    return rng.integers(least, most + 1, 2).tolist()


def _padding(rng):
    return [
        "valid",
        "same",
        "full",
        int(rng.integers(3)),
        _pair(rng, 0, 2),
        [_pair(rng, 0, 2), _pair(rng, 0, 2)],
    ][rng.integers(6)]


def _activation(rng):
    return ACTIVATED[str(rng.choice(list(ACTIVATED)))]


def _sliding(rng, shape):
    return {
        "filters": int(rng.integers(1, 7)),
        "kernel": _pair(rng, 1, 4),
        "stride": _pair(rng, 1, 3),
        "padding": _padding(rng),
        "dilation": _pair(rng, 1, 2),
        "bias": bool(rng.integers(2)),
        "activation": _activation(rng),
    }


def _grouped(rng, shape):
    groups = int(rng.choice([g for g in range(1, shape[2] + 1) if shape[2] % g == 0]))
    return {**_sliding(rng, shape), "groups": groups, "filters": groups * int(rng.integers(1, 4))}


def _pool(rng, shape):
    return {
        "size": _pair(rng, 1, 4),
        "stride": _pair(rng, 1, 3),
        "padding": _padding(rng),
        "dilation": _pair(rng, 1, 2) if rng.integers(2) else 1,
        "ceil_mode": bool(rng.integers(2)),
    }


def _keeping(rng, shape, count=None):
    """Return layers that keep the shape."""
    if len(shape) == 1:
        kinds = sorted(ON_FEATURES.keys() - {"residual", "parallel", "sequence"})
        return [
            {"type": kind, **({"units": shape[0]} if kind == "dense" else ON_FEATURES[kind](rng, shape))}
            for kind in rng.choice(kinds, count or int(rng.integers(1, 3)))
        ]
    conv = {"type": "conv", "padding": "same", "filters": shape[2], "activation": _activation(rng)}
    kinds = ["batch_norm", "layer_norm", "prelu", "activation", "dropout", "scale"]
    kind = str(rng.choice(kinds))
    return [conv, {"type": kind, **ON_VOLUMES[kind](rng, shape)}]


def _residual(rng, shape):
    layers = _keeping(rng, shape)
    if len(shape) == 3 and rng.integers(2):
        layers.append({"type": "conv", "padding": "same", "filters": 5, "stride": _pair(rng, 1, 2)})
    return {"layers": layers, "activation": _activation(rng), "drop": float(rng.choice([0.0, 0.2]))}


def _parallel(rng, shape):
    combine = str(rng.choice(["add", "concatenate"]))
    return {"branches": [{"layers": _keeping(rng, shape)} for _ in range(2)], "combine": combine}


def _sequence(rng, shape):
    return {"layers": _keeping(rng, shape), **({"repeat": 2} if rng.integers(2) else {})}


def _repeated(draw):
    """Return the same layer, now and then several times."""
    return lambda rng, shape: {**draw(rng, shape), **({"repeat": 2} if rng.random() < 0.2 else {})}


ON_BOTH: dict[str, Draw] = {
    "batch_norm": lambda rng, shape: {"epsilon": float(rng.choice([1e-5, 0.1]))},
    "layer_norm": lambda rng, shape: {"over": str(rng.choice(["channels", "sample"]))},
    "group_norm": lambda rng, shape: {"groups": int(rng.choice([1, 2, shape[-1]]))},
    "local_response_norm": lambda rng, shape: {
        "size": int(rng.integers(1, 6)),
        "alpha": float(rng.uniform(0, 3)),
        "k": float(rng.uniform(0.5, 2)),
    },
    "channel_shuffle": lambda rng, shape: {"groups": int(rng.choice([1, 2, shape[-1]]))},
    "prelu": lambda rng, shape: {"shared": bool(rng.integers(2))},
    "scale": lambda rng, shape: {"factor": float(rng.choice([-0.5, 0.125, 1.7]))},
    "activation": lambda rng, shape: {"function": _activation(rng)},
    "residual": _residual,
    "parallel": _parallel,
    "sequence": _sequence,
}
ON_VOLUMES: dict[str, Draw] = {
    **ON_BOTH,
    "dropout": lambda rng, shape: {"rate": 0.3, "spatial": bool(rng.integers(2))},
    "conv": _repeated(_grouped),
    "separable_conv": lambda rng, shape: {
        **_sliding(rng, shape),
        "depth_multiplier": int(rng.integers(1, 3)),
    },
    "transposed_conv": lambda rng, shape: {**_grouped(rng, shape), "output_padding": _pair(rng, 0, 1)},
    "max_pool": _pool,
    "avg_pool": lambda rng, shape: {**_pool(rng, shape), "count_include_pad": bool(rng.integers(2))},
    "adaptive_max_pool": lambda rng, shape: {"output_size": _pair(rng, 1, 5)},
    "adaptive_avg_pool": lambda rng, shape: {"output_size": _pair(rng, 1, 5)},
    "global_max_pool": lambda rng, shape: {},
    "global_avg_pool": lambda rng, shape: {},
    "upsample": lambda rng, shape: {
        "factor": _pair(rng, 1, 3),
        "mode": str(rng.choice(["nearest", "bilinear"])),
    },
    "flatten": lambda rng, shape: {},
}
ON_FEATURES: dict[str, Draw] = {
    **ON_BOTH,
    "dropout": lambda rng, shape: {"rate": 0.3},
    "dense": lambda rng, shape: {"units": int(rng.integers(2, 9)), "activation": _activation(rng)},
}
