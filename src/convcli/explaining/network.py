"""An image going through a network: every layer's feature maps as pictures, and the class probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcli.config import DataOptions
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Arrow, Block, Explanation, Grid, Picture, Row, Step, exact
from convcli.explaining.notation import number
from convcli.explaining.request import Request, option_of
from convcli.explaining.tensors import Passage, pass_through, read_image
from convcli.explaining.topics import topic
from convcli.explaining.why import why
from convcli.nn.activations import Relu
from convcli.nn.attribution import label_of
from convcli.nn.config import Config, TrainingOptions
from convcli.nn.layers import Conv, Dense, GlobalAvgPool, MaxPool
from convcli.nn.losses import CrossEntropy
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.places import Place
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.schedules import SCHEDULES
from convcli.nn.weights import NetworkWeights
from convcli.wording import by

SHOWN_MAPS, SHOWN_NUMBERS, SHOWN_CLASSES = 12, 16, 12


@topic(
    "network",
    "the image going through a trained network: every layer's feature maps, shapes, the class probabilities, "
    "and why that class",
    *("model", "image", "why", "target", "layer"),
)
def network(ask: Request) -> Explanation:
    """Return a step for the image, for each layer, for the probabilities, and if asked for why that class."""
    if not ask.why and (without := [name for name in ("target", "layer") if getattr(ask, name) is not None]):
        raise UsageError(f"network takes {option_of(without[0])} with --why, which it is for.")
    if ask.model is None or ask.image is None:
        model, pixels, name = line_detector(), example(), "example"
    else:
        model, pixels, name = ask.model, read_image(ask.model, ask.image, ask.max_pixels), ask.image.name
    passage = pass_through(model, pixels)
    steps = [_image(passage, name)]
    steps += [_layer(passage, place) for place in model.network.places]
    steps.append(_classes(passage))
    if ask.why:
        steps += why(model, pixels, label_of(model, pixels, ask.target), ask.layer)
    best = int(passage.probabilities.argmax())
    return Explanation(
        topic="network",
        title=f"{name} through {len(model.network.layers)} layers: class {model.classes[best]}",
        steps=tuple(steps),
        data={
            "image": name,
            "input_shape": list(model.network.shapes[0]),
            "classes": list(model.classes),
            "probabilities": exact(passage.probabilities),
            "class": model.classes[best],
        },
        still=tuple(range(len(steps))),
    )


def line_detector() -> Model:
    """Return a network made by hand: four kernels, each finding lines in one direction, tell stripes apart.

    The last layer adds a direction's own map and takes away half of every other. It stands for a trained
    network where none is given; its weights can be followed by eye.
    """
    lines = np.array(
        [
            [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
            [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
            [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
            [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
        ]
    )
    classes = ("upright", "level", "falling", "rising")
    layers = (
        Conv(filters=4, padding="same", activation=Relu()),
        MaxPool(),
        GlobalAvgPool(),
        Dense(units=4),
    )
    built = Network(layers, (8, 8, 1))
    weights = NetworkWeights(built)
    weights.arrays.at(1)["W"][:, :, 0, :] = np.moveaxis(lines, 0, 2)
    weights.arrays.at(4)["W"][...] = 1.5 * np.eye(4) - 0.5
    loss = CrossEntropy()
    training = TrainingOptions(loss=loss, optimizer=OPTIMIZERS["sgd"](), schedule=SCHEDULES["constant"]())
    config = Config(data=DataOptions(source="made by hand"), layers=layers, training=training)
    return Model(built, weights, Preprocessing((8, 8, 1), (0.0,), (1.0,)), loss, classes, config)


def example() -> Array:
    """Return a picture (8, 8, 1) of an upright stroke with a foot."""
    picture = np.zeros((8, 8, 1), np.uint8)
    picture[1:7, 3] = 255
    picture[6, 4:6] = 160
    return picture


def _by(shape: tuple[int, ...]) -> str:
    return by(shape) if len(shape) > 1 else f"{shape[0]} numbers"


def _image(passage: Passage, name: str) -> Step:
    pixels = passage.pixels[:, :, 0] if passage.pixels.shape[2] == 1 else passage.pixels
    x = passage.trace.input(1)[0]
    row: Row = (Picture(pixels, name), Arrow("→", "scaled"), Block(x.shape, "A_0: what goes in"))
    line = f"x = (pixels / 255 − mean) / deviation: from {number(x.min())} to {number(x.max())}"
    return Step.of("The image", (row, line), _summary(x))


def _summary(array: Array) -> dict[str, Any]:
    """Return what JSON says of one layer's output."""
    values = exact(array if array.ndim == 1 else np.moveaxis(array, 2, 0))
    return {
        "shape": list(array.shape),
        "minimum": exact(array.min()),
        "maximum": exact(array.max()),
        "values": values,
    }


def _layer(passage: Passage, place: Place) -> Step:
    after = passage.trace.output(place.number)[0]
    rows = (*_pictures(after), f"{_by(place.input)} → {_by(place.output)}")
    parameters = place.trained + place.frozen
    data = {"layer": place.number, "type": place.layer.name(), "parameters": parameters, **_summary(after)}
    return Step.of(f"Layer {place.number}: {place.title}", rows, data)


def _pictures(array: Array) -> tuple[Row | str, ...]:
    """Return feature maps as pictures, from their smallest value (dark) to their largest, or numbers."""
    if array.ndim == 1:
        shown = array[:SHOWN_NUMBERS]
        more = f", the first {len(shown)} of {len(array)}" if len(shown) < len(array) else ""
        return ((Grid.of(shown[None], f"{len(array)} numbers{more}"),),)
    low, high = float(array.min()), float(array.max())
    scaled = (array - low) * (255 / (high - low)) if high > low else np.zeros_like(array)
    maps = np.rint(scaled).astype(np.uint8)
    count = min(maps.shape[2], SHOWN_MAPS)
    pictures = [Picture(maps[:, :, c], f"map {c + 1}") for c in range(count)]
    left = maps.shape[2] - count
    lines = [*([f"and {left} more maps"] if left else []), f"dark {number(low)}, bright {number(high)}"]
    return (*(tuple(pictures[n : n + 4]) for n in range(0, count, 4)), *lines)


def _classes(passage: Passage) -> Step:
    probabilities = passage.probabilities
    order = np.argsort(-probabilities, kind="stable")[:SHOWN_CLASSES]
    names = tuple(passage.model.classes[index] for index in order)
    grid = Grid.heat_map(probabilities[order][:, None], "probability", hottest=1.0, row_names=names)
    best = number(probabilities[order[0]])
    data = {"probabilities": dict(zip(passage.model.classes, exact(probabilities), strict=True))}
    line = f"{passage.model.loss.formula}: {names[0]} with {best}"
    if passage.model.config.evaluation.flips:
        line += "; predict takes the mean of the outputs for the image and its mirror image"
    return Step.of("Class probabilities", ((grid,), line), data)
