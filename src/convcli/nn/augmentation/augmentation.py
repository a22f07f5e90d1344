"""What one augmentation is: options, and what it does to images. A new one is one class in one place."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from convcli.config import Options
from convcli.engine.workspace import Array
from convcli.nn.augmentation.draws import Draws
from convcli.nn.layer import Shape

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Augmentation(Options):
    """Options of one way to change training images.

    Its first field is the one that a bare value stands for: `shift = 2` is `shift = { size = 2 }`. It is one
    of the kinds below, which say at which point it is done.

    Attributes
    ----------
    off
        The value of the first field that leaves images as they are.
    """

    off: ClassVar[Any] = 0

    @classmethod
    def name(cls) -> str:
        """Return its key in [augmentation]."""
        return cls.__name__.lower()

    @classmethod
    def main(cls) -> str:
        """Return the field that a bare value stands for."""
        return next(iter(cls.model_fields))

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return value if isinstance(value, dict | cls) else {cls.main(): value}

    @property
    def idle(self) -> bool:
        """Whether it leaves all images as they are."""
        return bool(getattr(self, self.main()) == self.off) or getattr(self, "probability", 1) == 0

    @property
    def told(self) -> Any:
        """Its options as briefly as they may be written: without those that are as usual, or a bare value."""
        options = self.model_dump(mode="json", exclude_defaults=True)
        return options[self.main()] if options.keys() == {self.main()} else options

    def problem(self, shape: Shape) -> str | None:
        """Return why it cannot be had for images (h, w, c), if so."""
        return None

    def doubt(self, shape: Shape) -> str | None:
        """Return what a person should know of it where images are (h, w, c)."""
        return None


class Rearranging(Augmentation):
    """Takes every pixel from another place of the image, exactly."""

    @abstractmethod
    def places(self, rows: Array, columns: Array, draws: Draws) -> None:
        """Change which `rows` (n, h) and `columns` (n, w) of its image each pixel is taken from."""


class Covering(Augmentation):
    """Puts one colour in the place of pixels."""

    @abstractmethod
    def cover(self, images: Array, colour: Array, draws: Draws) -> None:
        """Put `colour` (c,) where it belongs in `images` (n, h, w, c), of any dtype."""


def _extent(value: object) -> object:
    if (type(value) is int and value >= 0) or (type(value) is float and 0 <= value < 1):
        return value
    raise ValueError(f"expected pixels, a whole number, or a share of the side below 1, not {value!r}")


Extent: TypeAlias = Annotated[int | float, BeforeValidator(_extent)]
"""A length in pixels if it is whole, and else as a share of the image's side."""


def pixels_of(extent: float, side: int, most: int) -> int:
    """Return a length in pixels: of a share, the nearest whole number from 1 to `most`."""
    return extent if isinstance(extent, int) else min(max(round(extent * side), 1), most)


def whole_pixels(images: Array) -> Array:
    """Return a view of `images` (…, c) with each pixel as one item (…): so they are moved faster."""
    pixel = np.dtype((np.void, images.itemsize * images.shape[-1]))
    return images.view(pixel)[..., 0]


def spans(side: int, lengths: Array | int, drawn: Array) -> Array:
    """Return which pixels of a side lie in spans of these lengths, each about a drawn pixel: (n, side)."""
    first = np.floor(drawn * side) - np.floor_divide(lengths, 2)
    place = np.arange(side)
    inside: Array = (place >= first[:, None]) & (place < (first + lengths)[:, None])
    return inside
