"""Steps that compare a pixel with its neighbours: the bilateral filter, local binary patterns."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from numpy.typing import NDArray
from pydantic import Field

from convcli.engine.ranks.bilateral import bilateral, window_for
from convcli.engine.ranks.patterns import MOST_POINTS, local_binary_pattern
from convcli.engine.workspace import Workspace
from convcli.errors import UsageError
from convcli.filtering.luma import gray
from convcli.filtering.ordering import Seeing
from convcli.filtering.picture import Picture, Setting
from convcli.filtering.steps.step import Bordered

Pixels: TypeAlias = NDArray[Any]

USUAL_SHARE = 0.1  # of what lies between black and white: the sigma of colours that are alike
MOST_SIZE = 255  # of a bilateral window: each of its cells is gone through


class Bilateral(Bordered):
    """A mean that stops at edges: neighbours count the less, the farther and the more unlike they are.

    What is partly seen counts as much as it is seen; alpha stays.
    """

    type: Literal["bilateral"] = "bilateral"
    source: ClassVar[str] = "C. Tomasi and R. Manduchi, 1998, in the details of OpenCV's bilateralFilter"

    sigma_color: Annotated[float, Field(gt=0)] | None = None
    """How unlike neighbours may be, in the image's units; a tenth of white, if not given."""
    sigma_space: Annotated[float, Field(gt=0)] = 3.0
    """How far they may be, in pixels."""
    size: Annotated[int, Field(ge=1, le=MOST_SIZE)] | None = None
    """Of the window, odd, in which they lie in a disk; if not given, as far as 1.5 sigma_space."""

    def model_post_init(self, context: Any) -> None:
        """Check the size."""
        if self.size is not None and self.size % 2 == 0:
            raise UsageError(f"expected an odd size, found {self.size}; take {self.size + 1}.")
        if self.size is None and window_for(self.sigma_space) > MOST_SIZE:
            raise UsageError(
                f"sigma_space {self.sigma_space:g} makes a window of "
                f"{window_for(self.sigma_space)}, more than {MOST_SIZE}; give a size as well."
            )

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Weight the neighbours."""
        size = self.size or window_for(self.sigma_space)
        unlike = self.sigma_color or USUAL_SHARE * (picture.white - picture.black)

        def respond(cells: Pixels, shares: Pixels | None, out: Pixels, workspace: Workspace) -> None:
            bilateral(cells, size, unlike, self.sigma_space, out, workspace, shares)

        return Seeing(
            picture,
            (size, size),
            respond,
            anchor=(size // 2, size // 2),
            **self.surroundings(setting),
            cost=4.0 * size * size,
        )


class LocalBinaryPattern(Bordered):
    """Which of the points on a circle are at least as bright as its centre, as a number; of brightness.

    At 8 points the numbers are 0 to 255 (default, ror) or 0 to 9 (uniform: points + 1 where they change more
    than twice along the circle). scikit-image's border is zero. What is not seen (no data, alpha 0) counts as
    if it were as bright as the centre.
    """

    type: Literal["local_binary_pattern"] = "local_binary_pattern"
    source: ClassVar[str] = "T. Ojala et al., 2002, in the details of scikit-image's local_binary_pattern"

    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] = 8
    """How many points the circle has."""
    radius: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Of the circle, in pixels."""
    method: Literal["default", "ror", "uniform", "var"] = "default"
    """default: 2^i of point i; ror: its least rotation; uniform: a count, or points + 1; var: variance."""

    @property
    def luma(self) -> bool:
        """That is all it looks at."""
        return True

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Compare."""
        beyond = math.ceil(self.radius)

        def respond(cells: Pixels, shares: Pixels | None, out: Pixels, workspace: Workspace) -> None:
            seen = None if shares is None else shares > 0
            local_binary_pattern(cells[0], self.points, self.radius, self.method, out[0], workspace, seen)

        return Seeing(
            gray(picture),
            (2 * beyond + 1, 2 * beyond + 1),
            respond,
            anchor=(beyond, beyond),
            **self.surroundings(setting),
            kind="pixels",
            cost=6.0 * self.points,
        )
