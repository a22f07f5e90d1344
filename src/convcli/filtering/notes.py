"""The words for what a person should know of a result although nothing is wrong."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from convcli.filtering.chain import FilterResult, Findings
from convcli.filtering.visibility import standing_for
from convcli.wording import shown

DARK = 0.15  # of white: photos of edges that are no brighter look black
FLAT = 1e-6
CUT = 0.9  # of all samples
NOTES_OF_A_KIND = 3
"""Images of a batch that get the same note; then they are only counted."""

NUMBERS = re.compile(r"\d[\d.,]*")


def of_result(result: FilterResult) -> list[str]:
    """Return what is to say of a filtered image.

    Of its look there are no numbers in it, which its line has: those of many images are counted.
    """
    ground = f"grey pixels are RGB on {result.found.policy.background}"
    return [*([ground] if result.coloured else []), *_of_data(result.found), *_of_look(result)]


def _of_data(found: Findings) -> list[str]:
    """Return what is to say of pixels of no data, and of responses that are no finite numbers."""
    said = []
    if found.policy.nodata:
        values = " or ".join(f"{value:g}" for value in found.policy.nodata)
        if not found.missing:
            said.append(f"no pixel is {values}, so that none was left out")
        else:
            empty = f"; {found.blank:,} results have no others in their windows and hold none either"
            first = float(found.policy.nodata[0])
            stands = standing_for(first, found.dtype)
            if stands != first and found.dtype.kind != "f":
                empty += f", which is written as {stands:g}: {found.dtype} has no {first:g}"
            pixels = "pixel" if found.missing == 1 else "pixels"
            said.append(f"{found.missing:,} {pixels} of no data left out{empty if found.blank else ''}")
    if found.odd:
        written = "" if found.dtype.kind == "f" else " (NaN is written as zero)"
        said.append(
            f"{found.odd:,} responses are NaN or infinite, as is a pixel in their windows{written}; --nodata "
            "nan leaves such pixels out"
        )
    if math.isnan(found.minimum) and not found.odd and not found.missing:
        said.append("nothing in it is seen, so that it has no responses; --alpha ignore counts all colours")
    return said


def _of_look(result: FilterResult) -> list[str]:
    """Return what to do about a result that is nearly black or nearly all cut."""
    found = result.found
    if found.range not in ("clip", "abs") or not found.minimum < found.maximum:
        return []
    if found.clipped >= CUT:
        # Of a kernel that makes much more of its window than one pixel's value.
        kernel = found.kernel
        loud = kernel is not None and (kernel.sums_to_zero or any(abs(total) > 1.5 for total in kernel.sums))
        remedy = "--normalize scales the weights down, and " if loud else ""
        return [f"most of it is clipped; {remedy}--range stretch shows all responses"]
    whole = found.dtype.kind in "ui"
    white = float(np.iinfo(found.dtype).max) if whole else 1.0
    brightest = float(result.pixels.max()) if whole or found.range == "clip" else math.inf
    flat = found.maximum - found.minimum < FLAT * white  # there is nothing but rounding
    if found.kind in ("signed", "magnitude") and brightest < DARK * white and not flat:
        return ["nearly black, as the responses are small; --range stretch shows them"]
    return []


class Said:
    """What has been said of the images of a batch, by what it says less numbers."""

    def __init__(self) -> None:
        self._images: Counter[str] = Counter()

    def new(self, notes: Sequence[str], source: str) -> list[str]:
        """Return those notes of an image that few have had before."""
        new = []
        for text in notes:
            kind = NUMBERS.sub("…", text.removeprefix(f"{shown(source)}: "))
            self._images[kind] += 1
            if self._images[kind] <= NOTES_OF_A_KIND:
                new.append(text)
        return new

    def counted(self) -> Iterator[str]:
        """Yield the notes that more images have had than were told."""
        for kind, count in self._images.items():
            if count > NOTES_OF_A_KIND:
                yield f"{count:,} images: {kind}"
