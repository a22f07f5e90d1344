"""Steps that change where pixels lie or how many there are: cut out, mirrored, turned, resized."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from convcli.config import sizes
from convcli.engine.resampling import proportional
from convcli.errors import ShapeError
from convcli.filtering import rearranging
from convcli.filtering.picture import Picture, Setting
from convcli.filtering.rearranging import moved
from convcli.filtering.resizing import resized
from convcli.filtering.steps.step import Step
from convcli.shapes import Pair, pair

LONGEST = 2**31 - 1


def _pair(name: str, least: int) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else pair(value, name, least=least))


class Crop(Step):
    """Cut a part out: of its size, from a corner or around the middle."""

    type: Literal["crop"] = "crop"
    size: Annotated[Pair, sizes("size")]
    """Rows and columns of what is left."""
    corner: Annotated[Pair | None, _pair("corner", 0)] = None
    """Row and column of its upper left pixel, from 0; the middle of the picture is taken, if not given."""
    source: ClassVar[str] = "NumPy's slices"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Read only that part of what is before."""
        corner = self.corner
        if corner is None:
            rows, columns = ((n - m) // 2 for n, m in zip(picture.shape, self.size, strict=True))
            corner = rows, columns
        ends = tuple(start + length for start, length in zip(corner, self.size, strict=True))
        if min(corner) < 0 or any(end > n for end, n in zip(ends, picture.shape, strict=True)):
            where = "" if self.corner is None else f" from row {corner[0]}, column {corner[1]} on"
            raise ShapeError(
                f"{self.size[0]} × {self.size[1]} pixels{where} do not fit into a picture of "
                f"{picture.shape[0]} × {picture.shape[1]}; cut less."
            )
        return moved(picture, rearranging.crop(self.size, corner))


class Flip(Step):
    """Mirror: left and right, or top and bottom, change places."""

    type: Literal["flip"] = "flip"
    direction: Literal["horizontal", "vertical", "both"] = "horizontal"
    """horizontal: left and right; vertical: top and bottom."""
    source: ClassVar[str] = "numpy.flip"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Read from the other end."""
        down, across = (self.direction in (one, "both") for one in ("vertical", "horizontal"))
        return moved(picture, rearranging.flip(picture.shape, down=down, across=across))


class Rotate(Step):
    """Turn by quarters, anticlockwise: pixels only change places."""

    type: Literal["rotate"] = "rotate"
    angle: Literal[90, 180, 270, -90]
    """Degrees, anticlockwise; -90 is clockwise."""
    source: ClassVar[str] = "numpy.rot90"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Read column by column, or from the other end."""
        return moved(picture, rearranging.quarter_turns(picture.shape, self.angle // 90))


def _scale(value: object) -> object:
    """Return a factor of a number or of `50%`."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*%", value.strip())):
        return float(found[1]) / 100
    return value


class Resize(Step):
    """Bring to another size, by Pillow's filters; what gets smaller is smoothed, so that nothing aliases."""

    type: Literal["resize"] = "resize"
    size: Annotated[Pair | None, _pair("size", 1)] = None
    """Rows and columns of the result."""
    longest: Annotated[int | None, Field(ge=1, le=LONGEST)] = None
    """Pixels of its longer side; the other keeps the proportion."""
    scale: Annotated[Annotated[float, Field(gt=0, le=1000)] | None, BeforeValidator(_scale)] = None
    """What both sides are multiplied by: 0.5 or 50%."""
    filter: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "lanczos"
    """How pixels are weighted."""
    source: ClassVar[str] = "PIL.Image.Image.resize"

    @model_validator(mode="after")
    def _one_of_them(self) -> Resize:
        given = [name for name in ("size", "longest", "scale") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected one of size, longest and scale, found {found}")
        return self

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Resize, band by band."""
        return resized(picture, self._shape(picture.shape), self.filter)

    def _shape(self, shape: Pair) -> Pair:
        if self.size is not None:
            return self.size
        factor: Any = self.scale if self.longest is None else self.longest / max(shape)
        return proportional(shape, factor)
