"""What a page has beside the network: images it was judged by, and how those of its training are drawn."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.data.drawings import Drawings
from convcli.formats.pages import embedded
from convcli.images import Image, encode
from convcli.interchange.export import Images
from convcli.nn.model import Model
from convcli.report import Judged, examples
from convcli.wording import printable

MOST_SAMPLES = 10  # that are judged rightly, and as many wrongly


def surroundings(model: Model, images: Images, room: int) -> dict[str, Any]:
    """Return samples and drawings as plain JSON: an empty list and None where the run's data is not there.

    There are as many samples as go into `room`, a number of bytes, with all that is said of them.
    """
    judged, train = images(None), images("train")
    found = None if train is None else Drawings.of(train)
    samples = () if judged is None else examples(model, judged, MOST_SAMPLES)
    drawing = None if found is None else found.document()
    room -= len(embedded({"samples": [], "drawing": drawing}))
    return {"samples": _fitting(list(map(_sample, samples)), room), "drawing": drawing}


def _sample(judged: Judged) -> dict[str, Any]:
    return {
        "image": _address(judged.pixels),
        "name": judged.image,
        "truth": printable(judged.true),
        "predicted": printable(judged.predicted),
        "right": judged.true == judged.predicted,
    }


def _address(pixels: NDArray[np.uint8]) -> str:
    """Return pixels (h, w, c) as an address of a PNG: to the last bit what is judged."""
    image = Image(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return f"data:image/png;base64,{base64.b64encode(encode(image, 'png')).decode()}"


def _fitting(samples: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Return as many, right and wrong ones in turn, as there is room for."""
    sides = [[sample for sample in samples if sample["right"] is right] for right in (True, False)]
    kept = list[dict[str, Any]]()
    for n in range(MOST_SAMPLES):
        for side in sides:
            if n < len(side) and (size := len(embedded(side[n])) + 1) <= room:
                kept.append(side[n])
                room -= size
    return kept
