"""From the planes of an image to pixels, block by block: no copy of an image is made but the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import each_block, responses
from convcli.engine.plane.patches import Block
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import Plane
from convcli.engine.workspace import Workspace
from convcli.filtering.ranges import finish
from convcli.filtering.visibility import Sight
from convcli.kernels import Kernel

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Summary:
    """What there is to say of the responses of a block or of all: of those that are seen and finite.

    Attributes
    ----------
    minimum, maximum
        ∞ and −∞ if there are none.
    clipped
        How many were cut.
    odd
        How many are NaN or infinite.
    """

    minimum: float
    maximum: float
    clipped: int = 0
    odd: int = 0

    def reach(self, policy: str) -> float:
        """Return the largest value on the way from responses to pixels."""
        if policy == "stretch":
            return self.maximum - self.minimum
        return max(-self.minimum, self.maximum)

    @classmethod
    def of(cls, parts: Sequence[Summary]) -> Summary:
        """Return the summary of all parts."""
        return cls(
            min(part.minimum for part in parts),
            max(part.maximum for part in parts),
            sum(part.clipped for part in parts),
            sum(part.odd for part in parts),
        )


def summary_of(plane: Pixels, sees: Pixels | None) -> Summary:
    """Return the extremes of a plane of responses, and how many of those that are seen are not finite."""
    low, high = float(plane.min()), float(plane.max())
    if sees is None and math.isfinite(low) and math.isfinite(high):
        return Summary(low, high)
    finite = np.isfinite(plane)
    counted = finite if sees is None else finite & sees
    odd = int(np.count_nonzero(~finite if sees is None else sees & ~finite))
    low = float(np.min(plane, initial=math.inf, where=counted))
    high = float(np.max(plane, initial=-math.inf, where=counted))
    return Summary(low, high, 0, odd)


@dataclass(frozen=True, eq=False)
class Work:
    """What is done to the planes of an image.

    Attributes
    ----------
    plan
        Where the kernel is laid.
    sight
        How it is laid where not all is seen; None where all is.
    planes
        For each plane of the result its source, or a source for each part of a volume.
    policy, offset
        How responses become pixels.
    dtype
        The image's.
    missing
        What stands in the result where nothing is seen.
    """

    plan: Plan
    sight: Sight | None
    kernel: Kernel
    planes: list[list[Plane]]
    policy: str
    offset: float
    dtype: np.dtype[Any]
    missing: float

    def run(
        self,
        result: Pixels | None,
        seen: Pixels | None,
        threads: int | None,
        limits: tuple[float, float] = (0, 0),
        progress: Callable[[float], None] | None = None,
    ) -> Summary:
        """Filter into every channel of `result`, or only look at the responses if it is None.

        `seen` (rows, columns) is told where something is seen; `limits` are what "stretch" takes for black
        and white.
        """

        def filter_block(block: Block, workspace: Workspace) -> Summary:
            parts = []
            for channel, (plane, sees) in enumerate(self._planes(block, workspace)):
                found = summary_of(plane, sees)
                cut = 0
                if result is not None:
                    out = result[block.rows, block.columns, channel]
                    extremes = (-math.inf, math.inf) if found.odd else (found.minimum, found.maximum)
                    cut = finish(plane, out, self.dtype, self.policy, extremes, limits)
                    if sees is not None:
                        out[~sees] = self.missing
                if sees is not None and seen is not None:
                    seen[block.rows, block.columns] = sees
                parts.append(Summary(found.minimum, found.maximum, cut, found.odd))
            return Summary.of(parts)

        plan = self.plan if self.sight is None else self.sight.colours
        return Summary.of(each_block(plan, filter_block, threads, progress))

    def _planes(self, block: Block, workspace: Workspace) -> Iterator[tuple[Pixels, Pixels | None]]:
        """Yield a block of each plane of responses, and where each sees anything (None: everywhere)."""
        if self.sight is None:
            for sources in self.planes:
                plane = self._respond(sources, block, workspace)
                if self.offset:
                    plane += self.offset
                yield plane, None
            return
        planes, sees = self._respond_to_seen(self.sight, block, workspace)
        for plane in planes:
            if self.offset:
                plane += self.offset
            yield plane, sees

    def _respond(self, sources: list[Plane], block: Block, workspace: Workspace) -> Pixels:
        """Return a block of the kernel's responses: its parts' responses, combined as the kernel says."""
        parts = [
            workspace.array(f"response {number}", block.shape, self.plan.dtype)
            for number in range(len(self.kernel.parts))
        ]
        if len(sources) == 1:
            responses(self.plan, sources[0], block, parts, workspace)
        else:
            for number, (source, part) in enumerate(zip(sources, parts, strict=True)):
                responses(self.plan.part(number), source, block, [part], workspace)
        combined = parts[0]
        if self.kernel.combine == "magnitude":
            _put_magnitude(parts, any_size=self.dtype.kind == "f")
        elif self.kernel.combine == "maximum":
            for part in parts[1:]:
                np.maximum(combined, part, out=combined)
        elif self.kernel.combine == "volume":
            for part in parts[1:]:
                np.add(combined, part, out=combined)
        return combined

    def _respond_to_seen(
        self, sight: Sight, block: Block, workspace: Workspace
    ) -> tuple[list[Pixels], Pixels]:
        """Return the same for each plane of an image that is not seen everywhere, and where anything is seen.

        Part by part, so that what is seen is weighted once for all channels.
        """
        combine = {"magnitude": np.hypot, "maximum": np.maximum, "volume": np.add}.get(self.kernel.combine)
        planes = [workspace.array(f"plane {n}", block.shape, np.float64) for n in range(len(self.planes))]
        others = [workspace.array(f"other {n}", block.shape, np.float64) for n in range(len(self.planes))]
        sees = np.zeros(block.shape, bool)
        for number in range(len(self.kernel.parts)):
            # A volume has a source for each part, all other planes one for all.
            sources = [own[number] if len(own) > 1 else own[0] for own in self.planes]
            sees |= sight.respond(number, sources, block, workspace, others if number else planes)
            if number and combine is not None:
                for plane, other in zip(planes, others, strict=True):
                    combine(plane, other, out=plane)
        if self.kernel.combine == "magnitude" and len(self.kernel.parts) == 1:
            for plane in planes:
                np.abs(plane, out=plane)
        return planes, sees


def _put_magnitude(parts: list[Pixels], *, any_size: bool) -> None:
    """Put √(Σ part²) into the first of `parts`; the others are used up.

    With `any_size` their squares may be too large or too small for the dtype. It takes four times as long.
    """
    first, *others = parts
    if any_size:
        np.abs(first, out=first)
        for part in others:
            np.hypot(first, part, out=first)
        return
    np.square(first, out=first)
    for part in others:
        np.add(first, np.square(part, out=part), out=first)
    np.sqrt(first, out=first)
