"""A network as `network.js` reads it: a document, and its weights as bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from convcli.interchange.rounding import Rounded
from convcli.nn.layer import HOLDING, Layer, Shape
from convcli.nn.layers import Residual
from convcli.nn.model import Model
from convcli.nn.places import Place
from convcli.shapes import ReceptiveField, Window
from convcli.wording import printable

ALIGNED = 4  # bytes: where an array of 32-bit numbers may begin


def document(model: Model, arrays: Mapping[str, Rounded]) -> tuple[dict[str, Any], bytes]:
    """Return all that a page has to know of a network, as plain JSON, and the bytes of its weights.

    Names of options are those of JavaScript (`ceilMode`). The document's `arrays` say where in the bytes each
    array begins, by its name (`3.W`), as little-endian numbers; `scales` is where those of int8 begin.
    """
    network, preprocessing = model.network, model.preprocessing
    entries, weights = _packed(arrays)
    return {
        "classes": [printable(name) for name in model.classes],
        "input": list(network.shapes[0]),
        "preprocessing": preprocessing.document(),
        "flips": model.config.evaluation.flips,
        "loss": {"type": model.loss.name(), "formula": model.loss.formula},
        "layers": _inside(network.sequence, network.shapes[0]),
        "places": [_place(place) for place in network.places],
        "arrays": entries,
    }, weights


def _packed(arrays: Mapping[str, Rounded]) -> tuple[dict[str, Any], bytes]:
    entries, weights = dict[str, Any](), bytearray()

    def put(array: np.ndarray[Any, Any]) -> int:
        weights.extend(bytes(-len(weights) % ALIGNED))
        start = len(weights)
        weights.extend(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return start

    for name, array in arrays.items():
        values = array.values
        entries[name] = {"shape": list(values.shape), "type": values.dtype.name, "offset": put(values)}
        if array.scales is not None:
            entries[name]["scales"] = put(array.scales)
    return entries, bytes(weights)


def _inside(layer: Layer, shape: Shape) -> list[dict[str, Any]]:
    """Return the layers in one that takes an input of `shape`; what is repeated stands there as often."""
    return [_layer(child, given) for child, given in layer.inside(shape)]


def _layer(layer: Layer, shape: Shape) -> dict[str, Any]:
    """Return a layer's options as they come out for its input, and the layers in it."""
    options = layer.model_dump(mode="json", exclude={"init", "frozen", "repeat", *HOLDING})
    if layer.function_option is not None:
        function = options[layer.function_option]
        options[layer.function_option] = {"type": function} if isinstance(function, str) else function
    window = layer.window(shape)
    transposed = layer.transposed(shape)
    if transposed is not None:
        window = transposed.window
    if window is not None:
        options |= _window(window)
    if isinstance(layer, Residual):
        conv = layer.shortcut_conv(shape)
        options["shortcut"] = None if conv is None else _layer(conv, shape)
    document = {_name(option): value for option, value in options.items()}
    return {**document, "layers": _inside(layer, shape)} if layer.children else document


def _window(window: Window) -> dict[str, Any]:
    return {
        "size": list(window.size),
        "stride": list(window.stride),
        "padding": [list(side) for side in window.padding],
        "dilation": list(window.dilation),
        "ceil_mode": window.ceil_mode,
    }


def _name(option: str) -> str:
    """Return an option's name as JavaScript has it.

    >>> _name("count_include_pad")
    'countIncludePad'
    """
    return re.sub("_(.)", lambda match: match[1].upper(), option)


def _place(place: Place) -> dict[str, Any]:
    """Return where a layer stands, what goes in and comes out, and what a cell of it sees of the image."""
    function = place.layer.function_option
    return {
        "number": str(place.number),
        "type": place.layer.name(),
        "title": place.title,
        "formula": "" if function is None else getattr(place.layer, function).formula,
        "input": list(place.input),
        "output": list(place.output),
        "weights": place.trained + place.frozen,
        "field": None if place.field is None else _field(place.field),
    }


def _field(field: ReceptiveField) -> dict[str, Any]:
    return {"size": list(field.size), "jump": list(field.jump), "start": list(field.start)}
