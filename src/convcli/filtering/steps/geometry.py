"""Steps that change where pixels lie or how many there are: cut out, mirrored, turned, resized."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from convcli.config import sizes_or_none
from convcli.engine.resampling import proportional
from convcli.errors import ShapeError
from convcli.filtering import rearranging
from convcli.filtering.picture import Picture, Setting
from convcli.filtering.rearranging import moved
from convcli.filtering.resizing import resized
from convcli.filtering.steps.step import Step
from convcli.shapes import Pair, pair

LONGEST = 2**31 - 1


_SHARE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*")


def _measure(name: str, least: int) -> BeforeValidator:
    """Return a validator of rows and columns, or of shares such as `50%` or `50%x30%`."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return None if value is None else pair(value, name, least=least)  # type: ignore[arg-type]
        parts = [_SHARE.fullmatch(part) for part in re.split("[x×,]", value)]
        shares = [part[1] for part in parts if part]
        if not 0 < len(parts) == len(shares) <= 2 or any(float(share) > 100 for share in shares):
            raise ValueError(
                f"expected pixels such as 200x300, or shares of the picture's such as 50% or 50%x30%, "
                f"not {value!r}"
            )
        return "x".join(f"{share}%" for share in shares)

    return BeforeValidator(read)


def _pixels(measure: Pair | str, shape: Pair) -> Pair:
    """Return rows and columns; shares of those of `shape`, rounded down, so that what fits still does."""
    if not isinstance(measure, str):
        return measure
    shares = [Fraction(part.removesuffix("%")) / 100 for part in measure.split("x")]
    rows, columns = (math.floor(share * n) for share, n in zip((shares[0], shares[-1]), shape, strict=True))
    return rows, columns


class Crop(Step):
    """Cut a part out: of a size, from a corner or around the middle.

    Shares are rounded down to whole pixels; of each side there is one at least.
    """

    type: Literal["crop"] = "crop"
    size: Annotated[Pair | str, _measure("size", 1)]
    """Rows and columns of what is left, or shares of the picture's: 50%, 50%x30%."""
    corner: Annotated[Pair | str | None, _measure("corner", 0)] = None
    """Row and column of its upper left pixel, from 0, or shares; the middle is taken, if not given."""
    source: ClassVar[str] = "NumPy's slices"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Read only that part of what is before."""
        rows, columns = _pixels(self.size, picture.shape)
        size = max(rows, 1), max(columns, 1)
        if self.corner is None:
            top, left = ((n - m) // 2 for n, m in zip(picture.shape, size, strict=True))
        else:
            top, left = _pixels(self.corner, picture.shape)
        if min(top, left) < 0 or top + size[0] > picture.shape[0] or left + size[1] > picture.shape[1]:
            where = "" if self.corner is None else f" from row {top}, column {left} on"
            raise ShapeError(
                f"{size[0]} × {size[1]} pixels{where} do not fit into a picture of "
                f"{picture.shape[0]} × {picture.shape[1]}; cut less."
            )
        return moved(picture, rearranging.crop(size, (top, left)))


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
    size: Annotated[Pair | None, sizes_or_none("size")] = None
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
