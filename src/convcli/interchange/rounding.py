"""Weights in fewer bytes: what of a network's kernels is kept, and what comes back of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.nn.model import Model
from convcli.nn.weights import NetworkWeights

Precision: TypeAlias = Literal["float32", "float16", "int8"]

LARGEST = 127  # of int8; −128 is left out, so that a scale serves both signs alike


@dataclass(frozen=True, eq=False)
class Rounded:
    """An array of weights as it is kept.

    Attributes
    ----------
    values
        float32, float16 or int8.
    scales : (last axis,), float32
        What int8 is multiplied by, for each index of the last axis: a filter or unit of its own, of a
        transposed convolution a channel of its input.
    """

    values: Array
    scales: Array | None = None

    @property
    def restored(self) -> Array:
        """The weights that come back, float32."""
        back: Array = self.values.astype(np.float32)
        return back if self.scales is None else back * self.scales


def rounded(model: Model, precision: Precision) -> dict[str, Rounded]:
    """Return a network's arrays by name, its kernels in this precision; the rest, which is little, as it is.

    Raises UsageError if a kernel is beyond float16.
    """
    layouts = (model.network.trained, model.network.kept)
    kernels = {slot.name for layout in layouts for slot in layout.slots if slot.initial.decays}
    return {
        name: _rounded(name, array, precision) if name in kernels else Rounded(array)
        for name, array in model.weights.items()
    }


def _rounded(name: str, array: Array, precision: Precision) -> Rounded:
    if precision == "float32":
        return Rounded(array)
    if precision == "int8":
        largest = np.abs(array).max(axis=tuple(range(array.ndim - 1)))
        scales = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
        return Rounded(np.rint(array / scales).clip(-LARGEST, LARGEST).astype(np.int8), scales)
    limit = np.finfo(np.float16).max
    if np.abs(array).max() > limit:
        raise UsageError(f"--weights float16: {name} has weights beyond ±{limit:,.0f}. Take float32 or int8.")
    return Rounded(array.astype(np.float16))


def restored(model: Model, arrays: Mapping[str, Rounded]) -> Model:
    """Return a model with the weights that come back of what is kept."""
    weights = NetworkWeights(model.network)
    for name, array in arrays.items():
        np.copyto(weights[name], array.restored)
    return replace(model, weights=weights)
