"""`filter_image`: images of any shape and type, any kernel, padding, border, stride, dilation and policy.

Atheris keeps the result of each comparison that it traces, and here these are arrays: within ten minutes it
comes to the limit of memory by itself. Several shorter calls go on from each other.
"""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from convcli import kernel_names
from convcli.engine.plane.borders import BORDERS
from convcli.engine.plane.plan import OPERATIONS
from convcli.errors import ConvcliError
from convcli.filtering import CHANNELS, RANGES, filter_image
from convcli.shapes import Window

DTYPES = ("u1", "u2", "i1", "i2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "?", "c8", ">f4")
FILLS = (0, 0.0, -1.5, 300, math.inf, math.nan, 1e300)
PADDINGS = ("same", "valid", "full")


class Choices:
    """Numbers that the bytes of an input stand for; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def number(self, most: int) -> int:
        """Return a number from 0 to `most`, at most 65,535."""
        width = 1 if most < 256 else 2
        part = self.data[self.place : self.place + width]
        self.place += width
        return int.from_bytes(part, "little") % (most + 1)

    def one_of(self, names: Any) -> Any:
        """Return one of the names, seldom none of them."""
        names = list(names)
        chosen = self.number(len(names))
        return names[chosen] if chosen < len(names) else "none of them"

    def array(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Return an array filled with the bytes that are left, again and again."""
        kind = np.dtype(dtype)
        wanted = math.prod(shape) * kind.itemsize
        rest = self.data[self.place :][:wanted] or b"\0"
        self.place += wanted
        array = np.frombuffer((rest * (wanted // len(rest) + 1))[:wanted], kind)
        return (array != 0 if dtype == "?" else array).reshape(shape)

    def dtype(self) -> str:
        """Return the name of a type, most of them real numbers."""
        return DTYPES[self.number(len(DTYPES) - 1)]

    def pair(self, most: int) -> Any:
        """Return a number or (rows, columns)."""
        return self.number(most) if self.number(1) else (self.number(most), self.number(most))


def test_one_input(data: bytes) -> None:
    choices = Choices(data)
    options = {
        "padding": choices.one_of(PADDINGS) if choices.number(2) else choices.pair(20),
        "border": choices.one_of(BORDERS),
        "fill": FILLS[choices.number(len(FILLS) - 1)],
        "stride": choices.pair(5),
        "dilation": choices.pair(4),
        "op": choices.one_of(OPERATIONS),
        "channels": choices.one_of(CHANNELS),
        "range": choices.one_of(RANGES),
    }
    kernel = _kernel(choices)
    shape = (choices.number(300), choices.number(300), choices.number(5))[: 3 - choices.number(2)]
    image = choices.array(shape, choices.dtype())
    with suppress(ConvcliError), warnings.catch_warnings():
        warnings.simplefilter("error")
        result = filter_image(image, kernel, threads=1, **options)
        _check(result, image, kernel, options)
        assert result.tobytes() == filter_image(image, kernel, threads=2, **options).tobytes()


def _kernel(choices: Choices) -> Any:
    """Return the name of a kernel, perhaps with a size, or weights."""
    if choices.number(1):
        name = choices.one_of(kernel_names())
        return f"{name}:size={choices.number(40)}" if choices.number(1) else name
    shape = (choices.number(12), choices.number(12), choices.number(2))[: 2 + (choices.number(9) == 0)]
    return choices.array(shape, choices.dtype())


def _check(result: Any, image: Any, kernel: Any, options: dict[str, Any]) -> None:
    """Assert what holds of every result: its size is the formula's, its type the image's or floats."""
    from convcli.filtering import as_kernel

    window = Window.of(
        as_kernel(kernel).shape,
        stride=options["stride"],
        padding=options["padding"],
        dilation=options["dilation"],
    )
    assert result.shape[:2] == window.output_shape(image.shape[:2])
    floats = options["range"] == "raw" or image.dtype.kind == "b"  # truth values are 0 and 1
    assert result.dtype.kind == "f" if floats else result.dtype == image.dtype
