"""The end of a chain: a picture becomes pixels, block by block, and what is found on the way is counted.

No copy of an image is made but the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.arguments import computing_dtype
from convcli.engine.plane.blocks import over_blocks
from convcli.engine.plane.filter import allocated
from convcli.engine.plane.planes import Block
from convcli.engine.workspace import Workspace
from convcli.filtering.passes import blocks
from convcli.filtering.picture import Picture
from convcli.filtering.ranges import Range, Summary
from convcli.filtering.visibility import opaque_of

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Developed:
    """A picture as pixels."""

    pixels: Pixels  # (rows, columns, channels)
    alpha: Pixels | None  # (rows, columns), in the dtype that it was stored in, or the pixels'
    summary: Summary
    blank: int  # how many pixels nothing is seen of


def developed(
    picture: Picture,
    how: Range,
    *,
    alpha: bool,
    whole: bool,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    extremes: tuple[float, float] | None = None,
) -> Developed:
    """Return the pixels of a picture, and its alpha if it has some that is asked for: in its own dtype, or in
    the pixels' where these are made `whole`.

    Stretch needs the whole picture's range first, unless `extremes` are given. Computing it twice costs time;
    keeping floats, memory.
    """
    pixels = allocated((*picture.shape, picture.channels), how.dtype)
    veil = picture.veil
    stored = veil.alpha_dtype if veil is not None and alpha else None
    opacity = None if stored is None else allocated(picture.shape, how.dtype if whole else stored)
    if how.name != "stretch":
        return _once(picture, how, pixels, opacity, threads, progress)
    if extremes is not None:
        how = replace(how, black=extremes[0], white=extremes[1])
        return _once(picture, how, pixels, opacity, threads, progress)
    halves = None if progress is None else lambda share: progress(share / 2)
    found = _once(picture, how, None, None, threads, halves).summary
    black, white = found.extremes or (0.0, 0.0)
    again = _once(picture, replace(how, black=black, white=white), pixels, opacity, threads, halves)
    return replace(again, summary=replace(found, clipped=again.summary.clipped))


def _once(
    picture: Picture,
    how: Range,
    pixels: Pixels | None,
    opacity: Pixels | None,
    threads: int | None,
    progress: Callable[[float], None] | None,
) -> Developed:
    """Go over a picture once; only look at it if `pixels` is None."""
    veil = picture.veil
    limits = veil is not None and veil.limits

    def develop(block: Block, workspace: Workspace) -> tuple[Summary, int]:
        planes = workspace.array("developed", (picture.channels, *block.shape), picture.dtype)
        sees = None
        if limits:
            sees = workspace.array("sees", block.shape, bool)
            picture.read_seen(block.rows, block.columns, planes, sees)
        else:
            picture.read(block.rows, block.columns, planes)
        found = [Summary.of(plane, sees) for plane in planes]
        cut = 0
        if picture.kind == "hue" and how.dtype.kind != "f" and how.name in ("abs", "clip"):
            cut = _dimmed(planes, picture.white)
        parts = []
        for channel, (plane, own) in enumerate(zip(planes, found, strict=True)):
            clipped = cut
            if pixels is not None:
                clipped += how.put(plane, pixels[block.rows, block.columns, channel], sees, own)
            parts.append(replace(own, clipped=clipped))
        if opacity is not None:
            _put_alpha(picture, block, sees, opacity[block.rows, block.columns], workspace)
        blank = 0 if sees is None else sees.size - int(np.count_nonzero(sees))
        return Summary.of_all(parts), blank

    found = over_blocks(blocks(picture), develop, picture.effort, threads, progress)
    blank = sum(count for _, count in found)
    summary = Summary.of_all([summary for summary, _ in found])
    return Developed(pixels if pixels is not None else np.empty(0), opacity, summary, blank)


def _dimmed(planes: Pixels, white: float) -> int:
    """Cut colours that are brighter than white, all channels alike so that the hue stays; return how many."""
    value = planes.max(axis=0)
    beyond = value > white
    if count := int(np.count_nonzero(beyond)):
        np.divide(white, value, out=value, where=beyond)
        value[~beyond] = 1
        planes *= value
    return count


def _put_alpha(
    picture: Picture, block: Block, sees: Pixels | None, out: Pixels, workspace: Workspace
) -> None:
    """Put a block of a picture's alpha into `out`, in its dtype: as it was stored, or integers."""
    veil = picture.veil
    assert veil is not None
    assert veil.alpha_dtype is not None
    alpha = workspace.array("alpha", block.shape, computing_dtype(veil.alpha_dtype))
    veil.alpha(block.rows, block.columns, alpha, sees)
    if out.dtype != veil.alpha_dtype:
        white = opaque_of(out.dtype)
        alpha *= white / opaque_of(veil.alpha_dtype)
        np.clip(alpha, 0, white, out=alpha)
    if out.dtype.kind != "f":
        np.rint(alpha, out=alpha)
    np.copyto(out, alpha, casting="unsafe")
