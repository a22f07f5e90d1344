"""What is said of a filtered image: a line, and what would make it easier to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convcli.filtering import FilterResult
from convcli.render.kernels import sum_words
from convcli.wording import shown

DARK = 0.15  # of white: photos of edges that are no brighter look black
FLAT = 1e-6
CUT = 0.9  # of all samples


def result_lines(where: str, result: FilterResult, width: int | None = None) -> list[str]:
    """Return what was made of one image: a line, or several where it is longer than `width` columns.

    What is as usual (8 bits, correlation, nothing clipped) is left out.
    """
    rows, columns = result.pixels.shape[:2]
    f_h, f_w = result.kernel.shape
    size = f"{rows} high, {columns} wide"
    dtype = "" if result.pixels.dtype == np.uint8 else f" {result.pixels.dtype}"
    turned = "" if result.op == "correlate" else f" ({result.op})"
    clipped = f", {result.clipped:.1%} clipped" if result.clipped else ""
    parts = [
        where,
        size + dtype,
        f"{shown(result.kernel.name)}{turned} {f_h} × {f_w}, {sum_words(result.kernel)}",
        f"responses {result.minimum:.6g} … {result.maximum:.6g}{clipped}",
    ]
    lines = [parts[0]]
    for part in parts[1:]:
        if width is not None and len(lines[-1]) + 2 + len(part) > width:
            lines.append(f"  {part}")
        else:
            lines[-1] += f"  {part}"
    return lines


def hints(result: FilterResult) -> list[str]:
    """Return what to do about a result that is nearly black or nearly all cut.

    There are no numbers in it, which the line has: those of many images are counted.
    """
    if result.range not in ("clip", "abs") or not result.minimum < result.maximum:
        return []
    if result.clipped >= CUT:
        remedy = "--normalize scales the weights down, and " if _is_loud(result) else ""
        return [f"most of it is clipped; {remedy}--range stretch shows all responses"]
    whole = result.pixels.dtype.kind in "ui"
    white = float(np.iinfo(result.pixels.dtype).max) if whole else 1.0
    brightest = float(result.pixels.max()) if whole or result.range == "clip" else math.inf
    flat = result.maximum - result.minimum < FLAT * white  # there is nothing but rounding
    if result.kernel.sums_to_zero and brightest < DARK * white and not flat:
        return ["nearly black, as the responses are small; --range stretch shows them"]
    return []


def _is_loud(result: FilterResult) -> bool:
    """Return whether the kernel makes much more of its window than one pixel's value."""
    if result.kernel.sums_to_zero:
        return True
    return any(abs(total) > 1.5 for total in result.kernel.sums)


def data_notes(result: FilterResult, nodata: Sequence[float]) -> list[str]:
    """Return what is to say of pixels of no data, and of responses that are no finite numbers."""
    said = []
    if nodata:
        values = " or ".join(f"{value:g}" for value in nodata)
        if not result.missing:
            said.append(f"no pixel is {values}, so that none was left out")
        else:
            empty = f"; {result.blank:,} results have no others in their windows and hold none either"
            pixels = "pixel" if result.missing == 1 else "pixels"
            said.append(f"{result.missing:,} {pixels} of no data left out{empty if result.blank else ''}")
    if result.odd:
        said.append(
            f"{result.odd:,} responses are NaN or infinite, as is a pixel in their windows; --nodata nan "
            "leaves such pixels out"
        )
    return said
