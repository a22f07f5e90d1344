"""Grad-CAM: the maps of a layer, weighed by how the score of a class follows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UsageError
from convcli.nn.attribution.attribution import Attribution, back, label_of
from convcli.nn.cutting import Cutting
from convcli.nn.network import Network
from convcli.nn.places import Place
from convcli.nn.tape import LayerNumber
from convcli.wording import by, shortened

if TYPE_CHECKING:
    from convcli.nn.model import Model


@dataclass(frozen=True, eq=False)
class GradCam(Attribution):
    """What `grad_cam` finds. With flips all but `map` and `score` are those of the image itself.

    Attributes
    ----------
    layer
        Whose maps they are.
    maps
        A_k, the layer's output (rows, columns, k).
    weights
        α_k (k,): the mean of ∂score/∂A_k over all cells.
    sums
        Σ α_k A_k of each cell (rows, columns), before relu.
    """

    layer: LayerNumber
    maps: Array
    weights: Array
    sums: Array


def grad_cam(
    model: Model, image: Array, target: str | int | None = None, *, layer: LayerNumber | None = None
) -> GradCam:
    """Return where the maps of a layer speak for a class: relu(Σ α_k A_k), brought to the image's size.

    Between the middles of what the layer's cells see of the image it is interpolated linearly on both axes,
    beyond the outermost it stays as it is. Where these middles part the image evenly, as behind "same"
    paddings and touching pools, that is bilinear resizing with half-pixel centres, and that is what is done
    where cells differ in what they see.
    Source: Selvaraju and others, 2017, arXiv:1610.02391, who resize in all cases.

    Parameters
    ----------
    image : (h, w) or (h, w, c), uint8
        As `Model.predict` takes images.
    target
        Name or index of the class; the predicted one if not given.
    layer
        Number of the layer that gives A, such as 3 or "3.1"; by default the last that gives a plane of cells
        and has all of the network going through it.

    Raises
    ------
    UsageError
        If there is no such class or layer, or that layer gives no plane of more than one cell.
    ShapeError
        If no layer does, as in a network of dense layers; or the image is none for this network.
    TrainingError
        If outputs are beyond float32.
    """
    pixels = model.seen(np.asarray(image)[None])
    return grad_cams(model, pixels, [label_of(model, pixels[0], target)], layer=layer)[0]


def grad_cams(
    model: Model, images: Array, labels: Sequence[int], *, layer: LayerNumber | None = None
) -> list[GradCam]:
    """Return `grad_cam` of each of `images` (n, h, w, c), of the network's size, for its class in `labels`.

    As many go through together as in training, since all layers keep what they make of them.
    """
    place = plane_of(model.network, layer)
    found = list(_found(model, images, labels, place))
    if not model.config.evaluation.flips:
        return found
    mirrored = _found(model, images[:, :, ::-1], labels, place)
    return [
        replace(one, score=(one.score + other.score) / 2, map=(one.map + other.map[:, ::-1]) / 2)
        for one, other in zip(found, mirrored, strict=True)
    ]


def _found(model: Model, images: Array, labels: Sequence[int], place: Place) -> Iterator[GradCam]:
    """Yield the same of the images alone, without their mirror images."""
    rows, columns = _between_cells(model.network, place)
    together = Cutting.of(model.network).most
    for start in range(0, len(images), together):
        own = np.array(labels[start : start + together], np.int64)
        trace, _ = back(model, images[start : start + together], own)
        maps = trace.output(place.number).astype(np.float64)
        weights = trace.gradient(place.number).mean((1, 2), dtype=np.float64)
        for n, label in enumerate(own.tolist()):
            sums = maps[n] @ weights[n]
            spread = rows @ np.maximum(sums, 0) @ columns.T
            score = float(trace.outputs[n, label])
            yield GradCam(label, score, spread, place.number, maps[n], weights[n], sums)


def plane_of(network: Network, number: LayerNumber | None = None) -> Place:
    """Return the layer whose maps Grad-CAM takes; errors are those of `grad_cam`."""
    if number is None:
        planes = [place for place in network.places if _is_plane(place) and _is_passed(network, place)]
        if not planes:
            raise ShapeError(
                "Grad-CAM weighs the maps of a layer that gives a plane of cells, and none of this network "
                "does: from its first layer on no number has a place in the image. Occlusion and gradient "
                "need no such layer."
            )
        return planes[-1]
    place = next((place for place in network.places if str(place.number) == str(number)), None)
    if place is None:
        told = shortened(str(number))
        raise UsageError(f"There is no layer {told}: the network has layers 1 to {len(network.layers)}.")
    if not _is_plane(place):
        raise UsageError(
            f"Grad-CAM weighs the maps of a layer that gives a plane of cells; layer {place.number}, "
            f"{place.layer.name()}, gives {by(place.output)}."
        )
    return place


def _is_plane(place: Place) -> bool:
    return len(place.output) == 3 and place.output[0] * place.output[1] > 1


def _is_passed(network: Network, place: Place) -> bool:
    """Whether all goes through a layer: it stands in no branch, and beside no shortcut."""
    while place.within is not None:
        place = network.place(place.within)
        if not place.layer.serial:
            return False
    return True


def _between_cells(network: Network, place: Place) -> list[Array]:
    """Return a matrix (pixels, cells) for rows and one for columns, which interpolate between cells."""
    matrices = []
    for axis in (0, 1):
        pixels, cells = network.shapes[0][axis], place.output[axis]
        if place.field is None:
            first, apart = pixels / cells / 2 - 0.5, pixels / cells
        else:
            first, apart = place.field.centre[axis], place.field.jump[axis]
        middles = first + apart * np.arange(cells)
        each = [np.interp(np.arange(pixels), middles, cell) for cell in np.eye(cells)]
        matrices.append(np.stack(each, axis=1))
    return matrices
