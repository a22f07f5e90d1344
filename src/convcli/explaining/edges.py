"""One photo under a set of kernels, as a labelled sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from convcli import kernels
from convcli.data.presentation import Presentation
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Arrow, Explanation, Grid, Picture, Row, Step, exact
from convcli.explaining.notation import factor, number
from convcli.explaining.notation import place as cell_place
from convcli.explaining.reading import Input, read_input
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.filtering import filter_image
from convcli.wording import by, counted, shown

KERNELS = ("sobel-x", "sobel-y", "sobel", "laplacian8", "kirsch")
MOST_KERNELS, MOST_PIXELS, SHEET_COLUMNS = 24, 4096, 3
MOST_SHOWN = 7  # rows and columns of a kernel whose weights stand beside the photo


@topic("edges", "one photo under a set of kernels as a labelled sheet", "input", "kernels", "op")
def edges(ask: Request) -> Explanation:
    """Return a step for each kernel, and the sheet."""
    if len(ask.kernels) > MOST_KERNELS:
        raise UsageError(f"--kernel: a sheet holds at most {MOST_KERNELS} kernels, found {len(ask.kernels)}.")
    source = _source(ask.input, ask.max_pixels)
    photo = source.volume.astype(np.uint8)
    photo = photo[:, :, 0] if photo.shape[2] == 1 else photo
    chosen = [
        kernels.parse(kernel) if isinstance(kernel, str) else kernel for kernel in ask.kernels or KERNELS
    ]
    op = ask.op or "correlate"
    pictures, steps = [Picture(photo, source.name)], []
    for kernel in chosen:
        raw = filter_image(photo, kernel, range="raw", op=op)
        result = filter_image(photo, kernel, op=op)
        pictures.append(Picture(result, kernel.name))
        data = {
            "kernel": kernel.name,
            "weights": exact(kernel.weights),
            "minimum": exact(raw.min()),
            "maximum": exact(raw.max()),
            "mean": exact(raw.mean(dtype=np.float64)),
        }
        steps.append(_step(pictures[0], pictures[-1], kernel, data))
    rows = tuple(
        tuple(pictures[start : start + SHEET_COLUMNS]) for start in range(0, len(pictures), SHEET_COLUMNS)
    )
    sheet = Step.of("The sheet", rows, {"kernels": [kernel.name for kernel in chosen]})
    return Explanation(
        topic="edges",
        title=f"Edges: {source.name}, {by(photo.shape[:2])}, under {counted(len(chosen), 'kernel')}"
        + (", flipped" if op == "convolve" else ""),
        steps=(*steps, sheet),
        data={"op": op, "image": source.name, "shape": list(photo.shape)},
        still=(len(steps),),
    )


def _source(given: str | Input | None, max_pixels: int) -> Input:
    if given is None:
        return Input(example()[:, :, None], "example")
    if isinstance(given, str) and _is_photo(Path(given)):
        pixels, _ = Presentation().read(Path(given), max_pixels=max_pixels)
        if max(pixels.shape[:2]) > MOST_PIXELS:
            raise UsageError(f"{shown(given)}: at most {MOST_PIXELS} pixels a side; take a crop.")
        return Input(pixels, Path(given).name)
    source = read_input(given, most=MOST_PIXELS, max_pixels=max_pixels)
    values, channels = source.volume, source.volume.shape[2]
    low, high = values.min(), values.max()
    if low < 0 or high > 255 or (values % 1).any() or channels not in (1, 3):
        raise UsageError(
            "--input: expected a picture, 1 or 3 channels of whole numbers from 0 (black) to 255 (white), "
            f"found {counted(channels, 'channel')} of {low:g} … {high:g}."
        )
    return source


def _is_photo(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in (".csv", ".tsv", ".txt")


def example() -> Array:
    """Return a small drawing (96, 96): a disc, a square and a slope, whose edges run in every direction."""
    rows, columns = np.mgrid[0:96, 0:96]
    picture = 40 + columns * 0.6
    picture[(rows - 34) ** 2 + (columns - 34) ** 2 < 22**2] = 220
    picture[52:84, 48:84] = 20
    return np.asarray(picture)


def _step(photo: Picture, result: Picture, kernel: kernels.Kernel, data: dict[str, Any]) -> Step:
    if kernel.combine == "magnitude":
        return _gradient(photo, result, kernel, data)
    parts = [part for part in kernel.parts if max(part.shape) <= MOST_SHOWN]
    shown = parts if kernel.combine == "volume" else parts[:2]
    weights = tuple(Grid.of(part, kernel.name, "kernel") for part in shown)
    row: Row = (photo, *weights, result)
    return Step.of(kernel.name, (row, _responses(kernel, data)), data)


def _responses(kernel: kernels.Kernel, data: dict[str, Any]) -> str:
    low, high = number(data["minimum"]), number(data["maximum"])
    how = "absolute values, cut at 255" if kernel.sums_to_zero else "cut to 0 … 255"
    return f"responses from {low} to {high}; shown: {how}"


def _gradient(photo: Picture, result: Picture, kernel: kernels.Kernel, data: dict[str, Any]) -> Step:
    """Return how the slopes across and down, of a kernel each, become the slope in its own direction."""
    names = ("gx", "gy")
    single = [replace(kernel, parts=(part,), combine="single") for part in kernel.parts]
    slopes = [filter_image(photo.pixels, one, range="raw").astype(np.float64) for one in single]
    rows: list[Row] = []
    for name, one, raw in zip(names, single, slopes, strict=True):
        small = max(one.shape) <= MOST_SHOWN
        kernels_of = (Arrow("*"), Grid.of(one.weights, f"kernel of {name}", "kernel")) if small else ()
        told = f"{name}, from {number(raw.min())} to {number(raw.max())}"
        rows.append((photo, *kernels_of, Arrow("="), Picture(filter_image(photo.pixels, one), told)))
    total = slopes[0] ** 2 + slopes[1] ** 2
    place = np.unravel_index(total.argmax(), total.shape)
    row, column = int(place[0]), int(place[1])
    gx, gy = (float(slope[place]) for slope in slopes)
    channel = f", channel {int(place[2]) + 1}" if len(place) > 2 else ""
    root = f"√({factor(gx)}² + {factor(gy)}²) = {number(float(total[place]) ** 0.5)}"
    lines = (
        f"{kernel.name} = √(gx² + gy²): the slope in the direction in which it is steepest",
        f"at {cell_place((row, column))}{channel}, the largest: {root}",
        _responses(kernel, data),
    )
    data = {**data, "strongest": {"place": [int(n) for n in place], "gx": exact(gx), "gy": exact(gy)}}
    return Step.of(kernel.name, (*rows, (Arrow("→", "√(gx² + gy²)"), result), *lines), data)
