"""Why an image was taken for what: how much each of its pixels has to do with the score of a class.

Three ways, a file each, of which none says everything. A new one is a function of a model, an image and a
class that returns an `Attribution`, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError
from convcli.nn.attribution.attribution import Attribution, label_of
from convcli.nn.attribution.covering import Occlusion, cover, occlusion
from convcli.nn.attribution.saliency import Gradient, gradient
from convcli.nn.attribution.weighed_maps import GradCam, grad_cam, grad_cams, plane_of

if TYPE_CHECKING:
    from convcli.nn.model import Model

__all__ = [
    "METHODS",
    "Attribution",
    "GradCam",
    "Gradient",
    "Occlusion",
    "cover",
    "grad_cam",
    "grad_cams",
    "gradient",
    "label_of",
    "map_of",
    "occlusion",
    "plane_of",
]

METHODS: dict[str, Callable[..., Attribution]] = {
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "gradient": gradient,
}


def map_of(method: str, model: Model, image: Array, target: str | int | None, **options: Any) -> Array:
    """Return the map (h, w) that a method makes, or raise UnknownNameError if none has this name."""
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    return METHODS[method](model, image, target, **options).map
