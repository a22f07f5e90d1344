"""Steps that put a window's cells in order: morphology with flat footprints, medians, ranks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, PrivateAttr

from convcli import kernels
from convcli.config import Size, sizes_or_none, tuples
from convcli.engine.plane.borders import border_named
from convcli.engine.plane.plan import checked_anchor
from convcli.engine.ranks.extremes import extremes
from convcli.engine.ranks.footprints import checked_footprint, footprint
from convcli.engine.ranks.order import MEDIAN, Order
from convcli.engine.ranks.ranks import ranked
from convcli.engine.workspace import Workspace
from convcli.errors import UsageError
from convcli.filtering.ordering import IGNORE, ordered
from convcli.filtering.picture import Picture, Setting, remembered
from convcli.filtering.steps.step import Bordered
from convcli.filtering.together import difference
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]


def _border(name: str) -> str:
    return IGNORE if name.strip().lower() == IGNORE else border_named(name)


def _matrix(value: object) -> object:
    return tuples([value]) if isinstance(value, int | float) else tuples(value)


class Footprinted(Bordered):
    """A step that looks at the cells under a footprint."""

    size: Size = (3, 3)
    """Rows and columns of the footprint: 5, 3x7."""
    shape: Literal["square", "cross", "disk", "diamond", "ellipse"] = "square"
    """square, cross; disk and diamond (odd sizes) as scikit-image has them; ellipse as OpenCV has it."""
    footprint: Annotated[Any, BeforeValidator(_matrix)] = None
    """Instead of shape and size: a matrix of 0 and 1, "0 1 0; 1 1 1; 0 1 0", or @FILE."""
    anchor: Annotated[Pair | None, sizes_or_none("anchor", least=0)] = None
    """Which of its cells, (row, column) from 0, lies on the pixel; (f − 1) // 2, if not given."""
    border: Annotated[str, AfterValidator(_border)] | None = None
    """As of others, or ignore: nothing outside counts; the command's, if not given."""

    _cells: Pixels = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Make or read the footprint, once; `context` may know of more kinds of texts (`kernel`)."""
        if self.footprint is None:
            self._cells = footprint(self.shape, self.size)
        else:
            if self.model_fields_set & {"size", "shape"}:
                raise UsageError(f"{self.name()}: footprint stands for shape and size; leave those out.")
            self._cells = checked_footprint(_as_matrix(self.footprint, context))
        if self.anchor is not None:
            checked_anchor(self.anchor, self._cells.shape)

    @property
    def cells(self) -> Pixels:
        """Which cells of the footprint count, (rows, columns) of bool."""
        return self._cells

    @property
    def middle(self) -> Pair:
        """The cell that lies on the pixel."""
        rows, columns = self._cells.shape
        return self.anchor or ((rows - 1) // 2, (columns - 1) // 2)

    def around(self, setting: Setting, usual: str | None = None) -> dict[str, Any]:
        """Return border, fill and alpha as `ordered` takes them.

        `usual` is the border where neither the step nor the command names another than reflect.
        """
        found = self.surroundings(setting)
        if usual is not None and self.border is None and setting.border == Setting.border:
            found["border"] = usual
        return {**found, "alpha": setting.alpha}

    def record(self) -> dict[str, Any]:
        """Return every option, and the footprint's cells."""
        found = super().record()
        return (
            {**found, "footprint": self._cells.astype(int).tolist()} if self.footprint is not None else found
        )


def _as_matrix(value: object, context: Any) -> Any:
    """Return a footprint as it is written as a matrix."""
    if isinstance(value, str):
        read = (context or {}).get("kernel", kernels.parse)
        return read(value).parts[0]
    if isinstance(value, tuple):
        return [row if isinstance(row, tuple) else value for row in value] if _deep(value) else [list(value)]
    raise UsageError(f"footprint: expected a matrix of 0 and 1 or @FILE, found {value!r}.")


def _deep(value: tuple[Any, ...]) -> bool:
    return any(isinstance(row, tuple) for row in value)


class Morphology(Footprinted):
    """A step made of the least and the greatest cell under a flat footprint.

    Erosion is by the footprint as it is, dilation by the footprint turned by 180°, so that one after the
    other is an opening or a closing whatever the footprint (SciPy's definition). Outside the picture nothing
    counts, unless the step names a border, or the command another one than reflect: under footprints that are
    symmetric, reflect, symmetric and edge come to the same.
    """

    border: Annotated[str, AfterValidator(_border)] | None = None
    """As of others, or ignore: nothing counts. That it is, unless the command names another than reflect."""

    source: ClassVar[str] = (
        "J. Serra, Image analysis and mathematical morphology, 1982; SciPy: ndimage.grey_erosion"
    )

    def eroded(self, picture: Picture, setting: Setting) -> Picture:
        """Return the least cells."""
        return self._extremes(picture, setting, np.minimum, self._cells, self.middle)

    def dilated(self, picture: Picture, setting: Setting) -> Picture:
        """Return the greatest cells under the footprint turned."""
        (rows, columns), (row, column) = self._cells.shape, self.middle
        turned = np.ascontiguousarray(self._cells[::-1, ::-1])
        return self._extremes(picture, setting, np.maximum, turned, (rows - 1 - row, columns - 1 - column))

    def _extremes(self, picture: Picture, setting: Setting, of: Any, cells: Pixels, anchor: Pair) -> Picture:
        neutral = np.inf if of is np.minimum else -np.inf
        around = self.around(setting, IGNORE)
        if around["border"] == IGNORE:
            around["fill"] = neutral

        def respond(plane: Pixels, seen: Pixels | None, out: Pixels, workspace: Workspace) -> None:
            if seen is not None:
                plane[~seen] = neutral
            extremes(plane, cells, of, out, workspace)

        return ordered(picture, cells, respond, anchor=anchor, **around, cost=4)


class Erode(Morphology):
    """The least value under a footprint: what is bright shrinks.

    Cells that are not seen (no data, alpha 0) are left out; any other counts whole. A window that holds NaN
    gives NaN.
    """

    type: Literal["erode"] = "erode"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Erode."""
        return self.eroded(picture, setting)


class Dilate(Morphology):
    """The greatest value under a footprint turned by 180°: what is bright grows.

    Cells that are not seen (no data, alpha 0) are left out; any other counts whole. A window that holds NaN
    gives NaN.
    """

    type: Literal["dilate"] = "dilate"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Dilate."""
        return self.dilated(picture, setting)


class Open(Morphology):
    """Erosion, then dilation: what is bright and smaller than the footprint goes."""

    type: Literal["open"] = "open"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Open."""
        return self.dilated(self.eroded(picture, setting), setting)


class Close(Morphology):
    """Dilation, then erosion: what is dark and smaller than the footprint goes."""

    type: Literal["close"] = "close"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Close."""
        return self.eroded(self.dilated(picture, setting), setting)


class TopHat(Morphology):
    """The picture less its opening: what is bright and smaller than the footprint."""

    type: Literal["top_hat"] = "top_hat"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Subtract the opening."""
        picture = remembered(picture)
        return difference(picture, self.dilated(self.eroded(picture, setting), setting))


class BlackHat(Morphology):
    """The closing less the picture: what is dark and smaller than the footprint."""

    type: Literal["black_hat"] = "black_hat"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Subtract from the closing."""
        picture = remembered(picture)
        return difference(self.eroded(self.dilated(picture, setting), setting), picture)


class MorphologicalGradient(Morphology):
    """Dilation less erosion: the edges, as wide as the footprint."""

    type: Literal["morphological_gradient"] = "morphological_gradient"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Subtract one from the other."""
        picture = remembered(picture)
        return difference(self.dilated(picture, setting), self.eroded(picture, setting))


def _ranked(step: Footprinted, order: Order, picture: Picture, setting: Setting) -> Picture:
    cells = step.cells
    respond: Callable[..., None] = partial(_respond, cells, order)
    cost = 2.0 * int(np.count_nonzero(cells)) + 20
    return ordered(picture, cells, respond, anchor=step.middle, **step.around(setting), cost=min(cost, 500))


def _respond(
    cells: Pixels, order: Order, plane: Pixels, seen: Pixels | None, out: Pixels, workspace: Workspace
) -> None:
    ranked(plane, cells, order, out, workspace, seen)


class Median(Footprinted):
    """The middle one of the cells under a footprint, in order; of an even number the greater of two.

    Cells that are not seen (no data, alpha 0) are left out; any other counts whole. A window that holds NaN
    gives NaN.
    """

    type: Literal["median"] = "median"
    source: ClassVar[str] = "SciPy: ndimage.median_filter; OpenCV: medianBlur"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Take the middle."""
        return _ranked(self, MEDIAN, picture, setting)


class Rank(Footprinted):
    """The cell at a place in the order of those under a footprint, by its number or as a percentile.

    Cells that are not seen (no data, alpha 0) are left out; any other counts whole. A window that holds NaN
    gives NaN.
    """

    type: Literal["rank"] = "rank"
    source: ClassVar[str] = "SciPy: ndimage.rank_filter and percentile_filter"

    rank: int | None = None
    """From 0, the least; negative from −1, the greatest."""
    percentile: float | None = None
    """Instead of a rank, 0 to 100: of n cells the one at int(n · percentile / 100)."""

    _order: Order = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Check the place."""
        super().model_post_init(context)
        if (self.rank is None) == (self.percentile is None):
            raise UsageError("rank: expected rank, a number, or percentile, 0 to 100; one of the two.")
        self._order = Order(self.rank, self.percentile)
        self._order.check(int(np.count_nonzero(self._cells)))

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Take the cell at that place."""
        return _ranked(self, self._order, picture, setting)
