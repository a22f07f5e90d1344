"""From the planes of an image to pixels, block by block: no copy of an image is made but the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import each_block, responses
from convcli.engine.plane.filter import allocated
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import Block, Plane
from convcli.engine.workspace import Workspace
from convcli.filtering.ranges import Range, Summary
from convcli.filtering.visibility import Sight
from convcli.kernels import Kernel

Pixels: TypeAlias = NDArray[Any]

BAND = 2**16  # pixels that a magnitude is made of at a time

COMBINE = {"magnitude": np.hypot, "maximum": np.maximum, "volume": np.add}


@dataclass(frozen=True, eq=False)
class Work:
    """What is done to the planes of an image."""

    plan: Plan
    sight: Sight | None  # how the kernel is laid where not all is seen; None where all is
    kernel: Kernel
    planes: list[list[Plane]]  # for each of the result its source, or a source for each part of a volume
    range: Range
    offset: float  # added to each response before `range` makes it a pixel

    def run(
        self, threads: int | None, progress: Callable[[float], None] | None
    ) -> tuple[Pixels, Pixels | None, Summary]:
        """Return the pixels (rows, columns, planes), where something is seen (None: everywhere), a summary.

        Stretch needs the whole image's range first. Responding twice costs time; keeping floats, memory.
        """
        shape = self.plan.output_shape
        result = allocated((*shape, len(self.planes)), self.range.dtype)
        seen = None if self.sight is None else np.empty(shape, bool)
        if self.range.name != "stretch":
            return result, seen, self._pass(result, seen, threads, progress)
        halves = None if progress is None else lambda share: progress(share / 2)
        found = self._pass(None, None, threads, halves)
        black, white = found.extremes or (0.0, 0.0)
        stretched = replace(self, range=replace(self.range, black=black, white=white))
        again = stretched._pass(result, seen, threads, halves)
        return result, seen, replace(found, clipped=again.clipped)

    def _pass(
        self,
        result: Pixels | None,
        seen: Pixels | None,
        threads: int | None,
        progress: Callable[[float], None] | None,
    ) -> Summary:
        """Respond once, block by block; only look at the responses if `result` is None."""

        def filter_block(block: Block, workspace: Workspace) -> Summary:
            parts = []
            for channel, (plane, sees) in enumerate(self._planes(block, workspace)):
                if self.offset:
                    plane += self.offset
                found = Summary.of(plane, sees)
                if result is not None:
                    out = result[block.rows, block.columns, channel]
                    found = replace(found, clipped=self.range.put(plane, out, sees, found))
                if sees is not None and seen is not None:
                    seen[block.rows, block.columns] = sees
                parts.append(found)
            return Summary.of_all(parts)

        plan = self.plan if self.sight is None else self.sight.colours
        return Summary.of_all(each_block(plan, filter_block, threads, progress))

    def _planes(self, block: Block, workspace: Workspace) -> Iterator[tuple[Pixels, Pixels | None]]:
        """Yield a block of each plane of responses, and where each sees anything (None: everywhere)."""
        if self.sight is None:
            for sources in self.planes:
                yield self._respond(sources, block, workspace), None
            return
        planes, sees = self._respond_to_seen(self.sight, block, workspace)
        for plane in planes:
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
            _put_magnitude(parts, workspace, any_size=sources[0].dtype.kind == "f")
        elif (combine := COMBINE.get(self.kernel.combine)) is not None:
            for part in parts[1:]:
                combine(combined, part, out=combined)
        return combined

    def _respond_to_seen(
        self, sight: Sight, block: Block, workspace: Workspace
    ) -> tuple[list[Pixels], Pixels]:
        """Return the same for each plane of an image that is not seen everywhere, and where anything is seen.

        Part by part, so that what is seen is weighted once for all channels.
        """
        combine = COMBINE.get(self.kernel.combine)
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


def _put_magnitude(parts: list[Pixels], workspace: Workspace, *, any_size: bool) -> None:
    """Put √(Σ part²) into the first of `parts`, some rows at a time, which a cache holds.

    With `any_size` squares may be too large or too small for the dtype: where they are, it takes longer.
    """
    dtype = parts[0].dtype
    least, most = np.finfo(dtype).smallest_normal / np.finfo(dtype).eps, np.finfo(dtype).max
    step = max(BAND // parts[0].shape[1], 1)
    for start in range(0, len(parts[0]), step):
        rows = [part[start : start + step] for part in parts]
        total, square = (workspace.array(name, rows[0].shape, dtype) for name in ("squares", "square"))
        np.multiply(rows[0], rows[0], out=total)
        for part in rows[1:]:
            np.add(total, np.multiply(part, part, out=square), out=total)
        if not any_size or (total.min() >= least and total.max() <= most):
            np.sqrt(total, out=rows[0])
            continue
        odd = ~((total >= least) & (total <= most)) & reduce(np.logical_or, (part != 0 for part in rows))
        sizes = reduce(np.hypot, (np.abs(part[odd]) for part in rows))
        np.sqrt(total, out=rows[0])
        rows[0][odd] = sizes
