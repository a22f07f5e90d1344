"""Why an image was taken for a class: Grad-CAM, occlusion and gradient with their numbers, a step each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.explaining.elements import Arrow, Cell, Grid, Picture, Role, Row, Step, Words, exact
from convcli.explaining.notation import cell_name, factor, number, place, total
from convcli.nn.attribution import GradCam, Gradient, Occlusion, cover, grad_cam, gradient, occlusion
from convcli.nn.model import Model
from convcli.nn.places import Place
from convcli.wording import by, shortened

SHOWN_MAPS, SHOWN_TERMS = 4, 6
LARGEST_GRID = 8  # cells of a side that are shown as numbers
AROUND = 2  # cells on each side of the one with the largest value
NAME = 30  # letters of a class


def why(model: Model, pixels: Array, label: int, layer: str | None = None) -> list[Step]:
    """Return three steps for an image, uint8 (h, w, c) of the network's size, and the score of a class.

    Raises
    ------
    UsageError
        If `layer` is none whose maps Grad-CAM can take. Where no layer is, its step says so.
    """
    name = shortened(model.classes[label], NAME)
    return [
        _grad_cam_if_any(model, pixels, label, name, layer),
        _occlusion(model, pixels, name, occlusion(model, pixels, label)),
        _gradient(model, pixels, name, gradient(model, pixels, label)),
    ]


def _grad_cam_if_any(model: Model, pixels: Array, label: int, name: str, layer: str | None) -> Step:
    try:
        found = grad_cam(model, pixels, label, layer=layer)
    except ShapeError as error:
        told = {"method": "grad_cam", "reason": str(error)}
        return Step.of(f"Why {name}: no Grad-CAM", (_words(str(error)),), told)
    return _grad_cam(model, pixels, name, found)


def _grad_cam(model: Model, pixels: Array, name: str, cam: GradCam) -> Step:
    stands = model.network.place(cam.layer)
    peaks = np.abs(cam.weights) * np.abs(cam.maps).max((0, 1))  # the most that a map adds to a cell
    order = np.argsort(-peaks, kind="stable")
    shown = [int(k) for k in order[:SHOWN_TERMS]]
    hottest = _largest(cam.sums)
    maps = tuple(
        Picture(_levels(cam.maps[:, :, k]), f"A_{k + 1}: α_{k + 1} = {number(cam.weights[k])}")
        for k in shown[:SHOWN_MAPS]
    )
    positive = np.maximum(cam.sums, 0)
    row: Row = (
        *_matrix(positive, "L = relu(Σ α_k A_k)", hottest),
        Arrow("→", "interpolated linearly"),
        Picture(_levels(cam.map), "the map: white speaks most for it"),
        Picture(_seen(pixels), f"over the image: warm speaks for {name}", heat=_scaled(cam.map)),
    )
    count = len(cam.weights)
    alphas = ", ".join(f"α_{k + 1} = {number(cam.weights[k])}" for k in shown)
    lines: tuple[Row | str, ...] = (
        f"score = output for {name}, before softmax = {number(cam.score)}",
        f"α_k = mean of ∂score/∂A_k over the {by(cam.sums.shape)} cells of map k: {alphas}"
        + (f", … of {count} maps those that matter most" if count > len(shown) else ""),
        f"{cell_name('L', hottest)} = relu({_terms(cam, shown, hottest)}) = {number(positive[hottest])}"
        + (", the largest" if positive.any() else ""),
        *_conclusions(model, stands, name, positive),
    )
    data = {
        **_told(model, "grad_cam", cam),
        "layer": cam.layer,
        "alpha": exact(cam.weights),
        "sums": exact(cam.sums),
        "map": exact(cam.map),
    }
    title = f"Why {name}: Grad-CAM of layer {cam.layer}, {stands.title}"
    way: Row = (Picture(_seen(pixels), "image"), Arrow("→", f"to layer {cam.layer}"), *maps)
    return Step.of(title, (way, row, *lines), data)


def _terms(cam: GradCam, shown: list[int], cell: tuple[int, int]) -> str:
    """Return `α·A + …` of a cell for some maps, and the sum of the others."""
    values = cam.weights * cam.maps[cell]
    terms = [f"{factor(cam.weights[k])}·{factor(cam.maps[(*cell, k)])}" for k in shown]
    if left := len(values) - len(shown):
        rest = float(values.sum() - values[shown].sum())
        terms.append(f"{factor(rest)} of {left} more")
    return total(terms)


def _conclusions(model: Model, stands: Place, name: str, positive: Array) -> Iterator[Row]:
    if not positive.any():
        yield (Words(f"No cell speaks for {name}: Σ α_k A_k is above 0 nowhere, so the map is empty."),)
    else:
        share = np.count_nonzero(positive) / positive.size
        yield _words(
            f"To be read as: in {share:.0%} of the cells the maps of this layer, weighed by how the score",
            f"follows them, speak for {name}; the warmer, the more.",
        )
    cells, pixels = by(positive.shape), by(model.network.shapes[0][:2])
    sees = "" if stands.field is None else f", of which each sees {by(stands.field.size)}"
    yield _words(
        f"Not to be read as: what is seen there, or what speaks against {name}, which relu drops; nor",
        f"finer than {cells} cells for {pixels} pixels{sees}. Another layer may show another place.",
    )
    if model.config.evaluation.flips:
        yield _words(
            "The map is the mean with that of the mirror image, turned back; A and α are the image's."
        )


def _words(*parts: str) -> Row:
    return (Words(" ".join(parts)),)


def _occlusion(model: Model, pixels: Array, name: str, found: Occlusion) -> Step:
    at = _largest(np.abs(found.drops))
    top, left = int(found.tops[at[0]]), int(found.lefts[at[1]])
    rows, columns = found.patch
    covered = cover(pixels, top, left, found.patch, found.fill)
    before, after = (float(model.predict(image[None])[0, found.label]) for image in (pixels, covered))
    drop = float(found.drops[at])
    chosen = [
        _every(len(places), middle) for places, middle in zip((found.tops, found.lefts), at, strict=True)
    ]
    marks: dict[Cell, Role] = {(chosen[0].index(at[0]), chosen[1].index(at[1])): "result"}
    grid = Grid.of(found.drops[np.ix_(*chosen)], f"drop at {by(map(len, chosen))} of the places", marks)
    row: Row = (
        Picture(_seen(pixels), "image, and where the patch changes most", (top, left, rows, columns)),
        Picture(_seen(covered), "covered there"),
        Arrow("→", "everywhere"),
        Picture(_levels(found.map, signed=True), "the map: white falls, middle grey stays, black rises"),
        Picture(_seen(pixels), "over the image: warm falls, cold rises", heat=_scaled(found.map)),
    )
    where = f"rows {top + 1} to {top + rows}, columns {left + 1} to {left + columns}"
    level = ", ".join(map(str, found.fill.tolist()))
    lines = (
        f"drop = score − score with a patch of {by(found.patch)} pixels over it, all {level}",
        f"drop = {number(found.score)} − {factor(found.score - drop)} = {number(drop)} at {where}",
        _words(
            f"Of all places ({found.drops.size:,}) it changes most there: the probability of {name} goes",
            f"from {number(before)} to {number(after)}. The patch is what the network sees as 0,",
            f"{_zero(model)}.",
        ),
        _words(
            f"To be read as: where it is warm the score of {name} needs what is there; where it is cold,",
            "what is there stands in its way. A pixel has the mean of all patches over it.",
        ),
        _words(
            "Not to be read as: that nothing else counts. Of two places that stand in for each other neither",
            "shows, and a patch is itself something that the network may never have seen.",
        ),
    )
    data = {
        **_told(model, "occlusion", found),
        "patch": list(found.patch),
        "fill": found.fill.tolist(),
        "tops": found.tops.tolist(),
        "lefts": found.lefts.tolist(),
        "drops": exact(found.drops),
        "probability": exact(before),
        "probability_covered": exact(after),
        "map": exact(found.map),
    }
    return Step.of(f"Why {name}: occlusion, part by part", (row, (grid,), *lines), data)


def _gradient(model: Model, pixels: Array, name: str, found: Gradient) -> Step:
    at = _largest(found.map)
    channel = int(np.abs(found.pixels[at]).argmax())
    slope = float(found.pixels[(*at, channel)])
    beside = _around(at)
    marks: dict[Cell, Role] = {(at[0] - beside[0].start, at[1] - beside[1].start): "result"}
    channels = pixels.shape[2]
    told = f", channel {channel + 1}" if channels > 1 else ""
    around = Grid.of(found.pixels[(*beside, channel)], f"∂score/∂pixel around {place(at)}{told}", marks)
    row: Row = (
        Picture(_seen(pixels), "image"),
        Arrow("→", "back through all layers"),
        Picture(_levels(found.map), "the map |g|: white changes the score most"),
        Picture(_seen(pixels), "over the image", heat=_scaled(found.map)),
        around,
    )
    level = int(pixels[(*at, channel)])
    step = 1 if level < 255 else -1
    moved = pixels.copy()
    moved[(*at, channel)] = level + step
    measured = float(model.outputs(moved[None])[0, found.label]) - float(
        model.outputs(pixels[None])[0, found.label]
    )
    kind = "brighter" if step > 0 else "darker"
    largest = "the largest |∂score/∂pixel| of its channels" if channels > 1 else "|∂score/∂pixel|"
    lines = (
        f"g = {largest}, by the chain rule from the score back to each pixel, a level of 255",
        f"g = {number(slope)} at {place(at)}{told}, the largest",
        _words(
            f"Measured: with that pixel one level {kind} the score changes by {number(measured)}; the",
            f"gradient says {number(step * slope)}. Where they differ, a relu or a maximum has turned over.",
        ),
        _words(f"To be read as: which pixels the score of {name} follows most, if they change a little."),
        _words(
            "Not to be read as: what the network has recognised. A pixel may matter whatever it shows,",
            "neighbours often differ by chance, and further than a little the score may go another way.",
        ),
    )
    data = {
        **_told(model, "gradient", found),
        "gradient": exact(np.moveaxis(found.pixels, 2, 0)),
        "measured": {"levels": step, "change": exact(measured)},
        "map": exact(found.map),
    }
    return Step.of(f"Why {name}: the gradient of the score, pixel by pixel", (row, *lines), data)


def _zero(model: Model) -> str:
    return "the training mean" if any(model.preprocessing.mean) else "black, for images are only rescaled"


def _told(model: Model, method: str, found: Any) -> dict[str, Any]:
    return {"method": method, "class": model.classes[found.label], "score": exact(found.score)}


def _seen(pixels: Array) -> Array:
    """Return an image (h, w, c) as a picture has it."""
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def _largest(plane: Array) -> tuple[int, int]:
    row, column = np.unravel_index(plane.argmax(), plane.shape)
    return int(row), int(column)


def _scaled(plane: Array) -> Array:
    """Return a map from −1 to 1, its 0 at 0."""
    largest = np.abs(plane).max()
    return np.asarray(plane / largest) if largest else np.zeros_like(plane)


def _levels(plane: Array, *, signed: bool = False) -> Array:
    """Return a map as a picture: 0 to its largest as black to white; if `signed` 0 is the middle."""
    if signed:
        return np.asarray(np.rint(127.5 + 127.5 * _scaled(plane)), np.uint8)
    return np.asarray(np.rint(255 * np.maximum(_scaled(plane), 0)), np.uint8)


def _matrix(plane: Array, name: str, middle: tuple[int, int]) -> Row:
    """Return a map as numbers; where there are many as a picture, and those around one cell."""
    if max(plane.shape) <= LARGEST_GRID:
        return (Grid.heat_map(plane, f"{name}, {by(plane.shape)}"),)
    around = Grid.heat_map(plane[_around(middle)], f"around {place(middle)}", hottest=float(plane[middle]))
    return Picture(_levels(plane), f"{name}, {by(plane.shape)}"), around


def _around(cell: tuple[int, int]) -> tuple[slice, slice]:
    """Return rows and columns of the cells around one, as far as there are any."""
    rows, columns = (slice(max(0, middle - AROUND), middle + AROUND + 1) for middle in cell)
    return rows, columns


def _every(count: int, middle: int) -> range:
    """Return which of so many places are shown: evenly apart, `middle` among them."""
    step = -(-count // LARGEST_GRID)
    return range(middle % step, count, step)
