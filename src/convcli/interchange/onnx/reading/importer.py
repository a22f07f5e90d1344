"""A classifier in an .onnx file as a model of ours, with the preprocessing that it begins with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convcli.data import BUILT_IN
from convcli.data.presentation import WHITE
from convcli.engine.workspace import Array
from convcli.errors import InputError, UsageError
from convcli.extras import extra
from convcli.interchange.importing import Import, Imported
from convcli.interchange.onnx.reading.file import read_graph
from convcli.interchange.onnx.reading.foreign import filled, flat_end, foreign, layers_of, network_of
from convcli.interchange.onnx.reading.graph import Graph, neat
from convcli.interchange.onnx.reading.own import Own, said
from convcli.interchange.onnx.reading.steps import Affine, LogSoftmax, Ours, Step
from convcli.nn.config import validate
from convcli.nn.layer import Shape
from convcli.nn.losses import CrossEntropy
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.wording import by, counted

CHANNELS = (1, 3)
LARGEST_STEP = 0.02  # a factor of pixels below it takes them from 0 to 255, not to 1


class Onnx(Import):
    """A network in an .onnx file."""

    def of(self, path: Path) -> Imported:
        onnx = extra("onnx", "onnx", "import of an .onnx file")
        graph = read_graph(path)
        own = said(graph.producer, graph.metadata)
        if own.flips:
            raise InputError(
                f"{path}: asks the network twice, for an image and its mirror image. Export the run again "
                "with evaluation.flips = false."
            )
        found = flat_end(foreign(onnx, graph, self.size))
        notes = [*graph.notes, *found.notes]
        shape = found.image.own_shape
        if len(shape) != 3:
            raise InputError(
                f"{path}: takes {by(shape)} numbers, not images. Say how they lie with --size RxC."
            )
        steps = list(found.steps) if own.loss else _without_end(found.steps, notes)
        steps, preprocessing = self._preprocessing(graph, own, steps, shape, notes)
        layers, told = layers_of(graph.where, steps)
        notes += told
        layers = _two_classes(layers, notes)
        network, weights = network_of(layers, shape)
        count = network.shapes[-1][0]
        classes = self._classes(own, count, notes)
        document = {"data": self._data(preprocessing, notes), "layers": [layer.table for layer in layers]}
        if own.loss not in (None, CrossEntropy.name()):
            document["training"] = {"loss": own.loss}
        config = validate(document, f"{path} (as a configuration)")
        network = Network.classifying(config.layers, shape, count)
        weighed = filled(network, weights)
        if wrong := [name for name, array in weighed.items() if not np.isfinite(array).all()]:
            raise InputError(f"{path}: weights that are no numbers, or beyond float32, in layer {wrong[0]}.")
        model = Model(network, weighed, preprocessing, config.training.loss, classes, config)
        return Imported(model, document, tuple(notes))

    def _classes(self, own: Own, count: int, notes: list[str]) -> tuple[str, ...]:
        if self.classes is None and own.classes is not None and len(own.classes) == count:
            return own.classes
        if self.classes is None:
            notes.append(f"its {count:,} classes are called 0 … {count - 1:,}; --classes names them")
            return tuple(map(str, range(count)))
        if len(self.classes) != count:
            raise UsageError(f"--classes: {counted(len(self.classes), 'name')} for {count:,} outputs.")
        return self.classes

    def _preprocessing(
        self, graph: Graph, own: Own, steps: list[Step], shape: Shape, notes: list[str]
    ) -> tuple[list[Step], Preprocessing]:
        """Return the steps behind the preprocessing, and what it is."""
        channels = shape[2]
        for name in ("mean", "deviation"):
            told = getattr(self, name)
            if told is not None and len(told) not in (1, channels):
                raise UsageError(
                    f"--{name}: {counted(len(told), 'number')} for {counted(channels, 'channel')}."
                )
        if self.deviation is not None and min(self.deviation) <= 0:
            raise UsageError("--deviation: expected numbers above 0.")
        first = steps[0].does if steps else None
        does = first if isinstance(first, Affine) and (first.scale > 0).all() else None
        mean, deviation = np.array(self.mean or (0.0,)), np.array(self.deviation or (1.0,))
        silent = self.mean is None and self.deviation is None
        if silent:
            whole = graph.image.bytes or (does is not None and bool((does.scale < LARGEST_STEP).all()))
            if whole:
                deviation = np.array([1 / 255])
            if not graph.image.bytes and own.preprocessing is None:
                limit = 255 if whole else 1
                notes.append(
                    f"pixels are taken to go in from 0 to {limit}; --mean and --deviation say otherwise"
                )
        if does is not None:
            # (p − m) / d goes in, and s (p − m) / d + t behind it
            mean, deviation = mean - does.shift * deviation / does.scale, deviation / does.scale
            steps = steps[1:]
        found = Preprocessing(
            (shape[0], shape[1], channels), _plain(mean, channels), _plain(deviation, channels)
        )
        if silent and own.preprocessing is not None and _alike(found, own.preprocessing):
            found = own.preprocessing
        return steps, found

    def _data(self, preprocessing: Preprocessing, notes: list[str]) -> dict[str, Any]:
        """Return what [data] says."""
        if self.data is None:
            notes.append("no data is named, which evaluate and train need; --data SOURCE writes it down")
        source = self.data or ""
        if source and source not in BUILT_IN:
            source = os.path.realpath(os.path.expanduser(source))  # noqa: PTH111 - as `open_source`
            if not Path(source).exists():
                raise InputError(f"--data {self.data}: neither a built-in set nor a file or folder.")
        h, w, c = preprocessing.shape
        levels = {name: _short(getattr(preprocessing, name)) for name in ("mean", "deviation")}
        kind = "rescale" if levels == {"mean": [0.0], "deviation": [1.0]} else levels
        data = {"source": source, "size": [h, w], "channels": c, "preprocessing": kind}
        if c not in CHANNELS:
            del data["channels"]
            notes.append(f"its images have {c} channels, which no picture has, and no data source here")
        shown = preprocessing.presentation
        if shown.fit != "stretch":
            data["fit"] = shown.fit
        if shown.background != WHITE:
            data["background"] = list(shown.background)
        if shown.said and shown.range is not None:
            data["range"] = list(shown.range)
        return data


def _plain(numbers: Array, channels: int) -> tuple[float, ...]:
    """Return a number for each channel, in the digits that float32 has."""
    return tuple(neat(number) for number in np.broadcast_to(numbers, (channels,)).tolist())


def _short(numbers: Sequence[float]) -> list[float]:
    return list(numbers[:1] if len(set(numbers)) == 1 else numbers)


def _alike(one: Preprocessing, other: Preprocessing) -> bool:
    """Whether both do the same to images, but for what rounding leaves."""
    return one.shape == other.shape and all(
        np.allclose(getattr(one, name), getattr(other, name), rtol=1e-5, atol=1e-6)
        for name in ("mean", "deviation")
    )


def _without_end(steps: Sequence[Step], notes: list[str]) -> list[Step]:
    """Return steps without the softmax at their end, which is the loss's."""
    last = steps[-1] if steps else None
    if last is not None and (
        isinstance(last.does, LogSoftmax)
        or (isinstance(last.does, Ours) and last.does.table.get("function") == "softmax")
    ):
        notes.append(f"{last.node}: the softmax at its end belongs to the loss, cross_entropy")
        return list(steps[:-1])
    notes.append("it does not end with a softmax: its outputs are taken for what goes into one")
    return list(steps)


def _two_classes(layers: list[Ours], notes: list[str]) -> list[Ours]:
    """Return layers that end in one unit with a sigmoid as those of two classes, as probable."""
    last = layers[-1]
    ends = last.type == "dense" and last.table["units"] == 1 and last.table.get("activation") == "sigmoid"
    if not ends:
        if last.table.get("activation", last.table.get("function")) == "sigmoid":
            notes.append("it ends with sigmoids: softmax is taken of them, so that probabilities are others")
        return layers
    notes.append("its one output, a sigmoid, became two classes: without and with")
    table = {name: value for name, value in last.table.items() if name != "activation"}
    weights = {name: np.concatenate([np.zeros_like(w), w], axis=-1) for name, w in last.weights.items()}
    return [*layers[:-1], Ours({**table, "units": 2}, weights)]
