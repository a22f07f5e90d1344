"""Which axis of somebody's own array is which: of pictures and gradients, and of the weights of filters."""

from __future__ import annotations

import numpy as np

from convcli.arrays import Given
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.wording import by, counted

LAYOUTS = ("nhwc", "nchw", "hwc", "chw", "hw")
FEW = 4
"""Channels that a picture has; an axis as short as this may be theirs."""

_WEIGHTS = {False: "f_h, f_w, c, k", True: "k, c, f_h, f_w"}


def check_layout(layout: str | None) -> None:
    """Raise UsageError if it is none of `LAYOUTS`."""
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"--layout: expected {', '.join(LAYOUTS)}, not {layout!r}.")


def as_volume(given: Given, option: str, layout: str | None) -> tuple[Array, tuple[str, ...]]:
    """Return (h, w, c) of an array of up to four axes, and what to say of how it was read.

    Without a layout the last axis is that of the channels, unless only the first one can be.

    Raises
    ------
    UsageError
        If the layout has fewer axes, the shape speaks for another one, or there are several pictures.

    Examples
    --------
    >>> as_volume(Given(np.zeros((1, 3, 5, 5)), "x.npy"), "--input", "nchw")
    (array(...), ('input: x.npy (1, 3, 5, 5) read as nchw: 3 channels of 5 × 5',))
    """
    values = given.values
    if given.axes == "hwc":
        return values, ()
    if values.ndim < 2:
        row = values.reshape(1, -1)
        return row[:, :, None], (f"{_named(given, option)} read as one row of {values.size}",)
    if values.ndim == 2:
        return values[:, :, None], ()
    if layout is not None and values.ndim > len(layout):
        raise UsageError(
            f"{option}: --layout {layout} names {len(layout)} axes, and {_named(given)} has {values.ndim}; "
            f"expected {' or '.join(one for one in LAYOUTS if len(one) == values.ndim)}."
        )
    first = layout in ("nchw", "chw")
    readings = {order: _volume_of(values, order) for order in (False, True)}
    if layout is None and _speaks_for_the_other(values.shape[-3:]):
        told = " or ".join(
            f"--layout {_name(values.ndim, order)} ({_channels(shape)})" for order, shape in readings.items()
        )
        raise UsageError(f"{option}: {_named(given)} may be read in two ways: give {told}.")
    if values.ndim == 4 and len(values) != 1:
        example = f"{given.name or 'FILE.npy'}[0]"
        raise UsageError(
            f"{option}: {_named(given)} holds {len(values)} pictures, and one is shown: take {example}, or "
            "another one; they count from 0."
        )
    volume = values[0] if values.ndim == 4 else values
    volume = np.moveaxis(volume, 0, 2) if first else volume
    said = f"{_named(given, option)} read as {_name(values.ndim, first)}: {_channels(readings[first])}"
    if layout is None:
        said += f" (--layout {_name(values.ndim, True)}: {_channels(readings[True])})"
    return volume, (said,)


def as_filters(given: Given, option: str, layout: str | None) -> tuple[Array, tuple[str, ...]]:
    """Return (f_h, f_w, c, k) of an array of up to four axes, and what to say of how it was read.

    Three axes are one filter with its channels. Where channels come first, filters come before them.

    Examples
    --------
    >>> as_filters(Given(np.zeros((2, 1, 3, 3)), "w.npy"), "--kernel", "nchw")
    (array(...), ('kernel: w.npy (2, 1, 3, 3) read as k, c, f_h, f_w: 2 filters of 3 × 3 × 1',))
    """
    values = given.values
    if given.axes == "hwc":
        return values[..., None], ()
    if values.ndim < 2:
        row = values.reshape(1, -1)
        return row[:, :, None, None], (f"{_named(given, option)} read as one row of {values.size}",)
    if values.ndim == 2:
        return values[:, :, None, None], ()
    whole = {False: values.reshape(*values.shape, 1)} if values.ndim == 3 else {False: values}
    first_axes = values[None] if values.ndim == 3 else values
    whole[True] = np.transpose(first_axes, (2, 3, 1, 0))
    names = {
        order: text if values.ndim == 4 else ", ".join(axis for axis in text.split(", ") if axis != "k")
        for order, text in _WEIGHTS.items()
    }
    first = layout in ("nchw", "chw")
    if layout is None and _window_is_elsewhere(values.shape[-3:] if values.ndim == 3 else values.shape):
        told = " or ".join(
            f"--layout {('nhwc', 'nchw')[order]} ({names[order]}: {_filters(whole[order])})"
            for order in (False, True)
        )
        raise UsageError(f"{option}: {_named(given)} may be read in two ways: give {told}.")
    said = f"{_named(given, option)} read as {names[first]}: {_filters(whole[first])}"
    if layout is None:
        said += f" (--layout nchw: {names[True]}: {_filters(whole[True])})"
    return whole[first], (said,)


def as_list(given: Given, option: str) -> Array:
    """Return (k,) of an array of which one axis at most is longer than 1: (k,), (1, k), (1, 1, 1, k) …"""
    if sum(side > 1 for side in given.values.shape) > 1:
        raise UsageError(f"{option}: expected a number for each filter, found {_named(given)}.")
    return given.values.ravel()


def _volume_of(values: Array, first: bool) -> tuple[int, int, int]:
    a, b, c = values.shape[-3:]
    return (b, c, a) if first else (a, b, c)


def _speaks_for_the_other(sides: tuple[int, ...]) -> bool:
    """Whether a picture's sides would be odd with channels last, and usual with channels first."""
    a, b, c = sides
    return not (c <= FEW or a == b) and (a <= FEW or b == c)


def _window_is_elsewhere(shape: tuple[int, ...]) -> bool:
    """Whether a window would be no square with its sides first, and would be one with them last."""
    return shape[0] != shape[1] and shape[-1] == shape[-2]


def _name(axes: int, first: bool) -> str:
    return ("hwc", "chw")[first] if axes == 3 else ("nhwc", "nchw")[first]


def _channels(volume: tuple[int, int, int]) -> str:
    return f"{counted(volume[2], 'channel')} of {by(volume[:2])}"


def _filters(weights: Array) -> str:
    return f"{counted(weights.shape[3], 'filter')} of {by(weights.shape[:3])}"


def _named(given: Given, option: str = "") -> str:
    """Return `input: x.npy (1, 3, 5, 5)`, or what was typed by its shape alone."""
    lead = f"{option.removeprefix('--')}: " if option else ""
    shape = f"({', '.join(map(str, given.values.shape))})"
    return f"{lead}{given.name or 'an array'} {shape}"
