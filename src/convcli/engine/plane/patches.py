"""A block of the output, and the patch of a plane that its windows see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from convcli.engine.plane.borders import Frame
from convcli.engine.plane.planes import MappedPlane, Plane
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window


@dataclass(frozen=True)
class Block:
    """A part of the output."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> Pair:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@dataclass(frozen=True, eq=False)
class Patch:
    """What the windows of a block see of a plane.

    Attributes
    ----------
    plane, frame, window
        What is seen, what stands around it, and how the windows move.
    block
        The part of the output.
    dtype
        Of the cells.
    workspace
        Where they are gathered, and where strategies have their scratch arrays.
    """

    plane: Plane
    frame: Frame
    window: Window
    block: Block
    dtype: np.dtype[Any]
    workspace: Workspace

    @cached_property
    def cells(self) -> Array:
        """The rows and columns of the padded plane that the windows reach, gathered when first asked for."""
        rows, columns = (
            slice(part.start * s, (part.stop - 1) * s + span)
            for part, s, span in zip(
                (self.block.rows, self.block.columns), self.window.stride, self.window.span, strict=True
            )
        )
        shape = rows.stop - rows.start, columns.stop - columns.start
        cells = self.workspace.array("cells", shape, self.dtype)
        self.frame.gather(self.plane, rows, columns, cells)
        return cells

    def mapped(self, function: Callable[[Array], Array]) -> Patch:
        """Return the patch of what `function` makes of the cells, wherever they are taken from."""
        frame = replace(self.frame, fill=float(function(np.array([self.frame.fill]))[0]))
        patch = replace(self, plane=MappedPlane(self.plane, function), frame=frame)
        if "cells" in vars(self):
            vars(patch)["cells"] = function(self.cells)
        return patch
