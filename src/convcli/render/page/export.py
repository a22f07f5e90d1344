"""The network as a page: a format that it leaves in, with what smaller weights cost."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from convcli.formats.pages import embedded, escaped, page, source
from convcli.interchange.export import Export, Exported, Images
from convcli.interchange.rounding import Precision, Rounded, restored, rounded
from convcli.nn.model import Model
from convcli.render.drawing.palette import custom_properties
from convcli.render.page import ENGINE, INTERFACE, PACKAGE
from convcli.render.page.document import document
from convcli.render.page.surroundings import surroundings
from convcli.wording import counted, first_of

EXPLAINED = "convcli.render.explain.live"  # whose pages write numbers likewise
MOST_BESIDE = 150_000  # bytes that a page has beside one and a half times its weights


class Page(Export):
    """One file in which the network runs, in any browser, from disk as well.

    Attributes
    ----------
    weights
        How its kernels are kept: int8 with a scale for each filter. The rest is float32.
    """

    target: ClassVar[str] = "page.html"

    weights: Precision = "float32"

    def of(self, model: Model, images: Images) -> Exported:
        kept = rounded(model, self.weights)
        lines, notes = self._cost(model, kept, images)
        described, weights = document(model, kept)
        room = 3 * len(weights) // 2 + MOST_BESIDE - len(written(described, weights))
        beside = surroundings(restored(model, kept), images, room)
        return Exported({self.target: written({**described, **beside}, weights)}, lines, notes)

    def _cost(
        self, model: Model, kept: dict[str, Rounded], images: Images
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what rounding costs, measured on the images that the run is judged by; and notes."""
        if self.weights == "float32":
            return (), ()
        judged = images(None)
        if judged is None:
            return (), (f"what {self.weights} costs in accuracy is not known: no images to judge it by",)
        before, after = (
            one.evaluate(judged.images, judged.labels).accuracy for one in (model, restored(model, kept))
        )
        told = f"{after:.2%} of {len(judged):,} images, {before:.2%} with float32"
        return (f"accuracy with {self.weights} weights: {told}",), ()


def written(described: Mapping[str, Any], weights: bytes) -> bytes:
    """Return the page of a network's document, with what surrounds it, and the bytes of its weights."""
    layers = counted(len(described["layers"]), "layer")
    numbers = sum(math.prod(array["shape"]) for array in described["arrays"].values())
    types = {array["type"] for array in described["arrays"].values()} - {"float32"}
    kept = f" (kernels rounded to {first_of(sorted(types))})" if types else ""
    headline = (
        f"{layers} with {numbers:,} weights{kept}, trained by convcli. The network itself runs in this page: "
        "no image leaves it, and it needs no connection."
    )
    return page(
        PACKAGE,
        title=escaped(f"A network that tells {first_of(described['classes'])} apart"),
        headline=escaped(headline),
        colours=custom_properties(),
        style=source(PACKAGE, "style.css"),
        network=embedded(described),
        weights=base64.b64encode(weights).decode(),
        scripts="\n".join(
            (source(PACKAGE, *ENGINE), source(EXPLAINED, "notation.js"), source(PACKAGE, *INTERFACE))
        ),
    )
