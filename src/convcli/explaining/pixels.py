"""The data of an image: one matrix of grey values, or one for each of red, green and blue."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.elements import Arrow, Explanation, Grid, Picture, Row, Step, planes, shade_of
from convcli.explaining.notation import number
from convcli.explaining.reading import Input
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.wording import by

CHANNELS = ("red", "green", "blue")

# A small house at dusk: roof, wall and sky, so that each channel looks different.
EXAMPLE = (
    "40 40 40 40 40 40; 40 40 200 200 40 40; 40 200 200 200 200 40; 90 240 240 90 240 90; "
    "90 240 240 90 240 90; 30 30 30 30 30 30 | "
    "60 60 60 60 60 60; 60 60 40 40 60 60; 60 40 40 40 40 60; 110 220 220 60 220 110; "
    "110 220 220 60 220 110; 120 120 120 120 120 120 | "
    "120 120 120 120 120 120; 120 120 40 40 120 120; 120 40 40 40 40 120; 170 170 170 30 170 170; "
    "170 170 170 30 170 170; 40 40 40 40 40 40"
)


@topic(
    "pixels",
    "an image as its matrix or its three channel matrices, with the crop marked on the picture",
    "input",
)
def pixels(ask: Request) -> Explanation:
    """Return the picture with its crop, and then a step for each channel."""
    source = ask.numbers(EXAMPLE)
    volume = source.volume
    count = volume.shape[2]
    names = (
        CHANNELS
        if count == 3
        else tuple(f"channel {n + 1}" for n in range(count))
        if count > 1
        else ("grey",)
    )
    steps = [_picture(source, names)]
    if count > 1:
        steps += [_channel(volume, c, name) for c, name in enumerate(names)]
    data = {
        "image": source.name,
        "shape": list(volume.shape),
        "crop": list(source.box) if source.box else None,
        "channels": dict(zip(names, planes(volume), strict=True)),
    }
    return Explanation(
        topic="pixels",
        title=f"The data of an image: {by(volume.shape[:2] if count == 1 else volume.shape)} numbers",
        steps=tuple(steps),
        data=data,
        still=(0,),
        settings={
            "input": planes(volume),
            "name": source.name,
            "photo": _place(source) if source.box else None,
        },
    )


def as_pixels(array: Array) -> Array:
    """Return numbers (h, w, c) as a picture, cut to 0 … 255; other than three channels show their mean."""
    if array.shape[2] != 3:
        array = array.mean(axis=2)
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)


def _place(source: Input) -> str:
    """Return which part of which image the numbers are."""
    assert source.box is not None
    row, column, height, width = source.box
    rows, columns = f"rows {row} to {row + height - 1}", f"columns {column} to {column + width - 1}"
    return f"{source.name}, {rows}, {columns}"


def _picture(source: Input, names: tuple[str, ...]) -> Step:
    volume = source.volume
    crop = Picture(as_pixels(volume), "the crop" if source.box else source.name)
    pictures: Row = (crop,)
    line = f"{by(volume.shape)} = {volume.size} numbers from 0 (dark) to 255 (bright)"
    if source.photo is not None and source.box is not None:
        photo = source.photo if source.photo.shape[2] == 3 else source.photo[:, :, 0]
        pictures = (Picture(photo, _place(source), source.box), Arrow("→"), crop)
    grids = tuple(_grid(volume, c, name) for c, name in enumerate(names))
    data = {"channels": dict(zip(names, planes(volume), strict=True))}
    title = "The image and its numbers"
    if len(grids) == 1:
        return Step.of(title, ((*pictures, Arrow("="), *grids), line), data)
    return Step.of(title, (pictures, grids, line), data)


def _grid(volume: Array, c: int, name: str) -> Grid:
    return Grid.of(volume[:, :, c], name, shade=shade_of(c, volume.shape[2]))


def _channel(volume: Array, c: int, name: str) -> Step:
    """Return one channel alone: its matrix, and the picture that it would be."""
    plane = volume[:, :, c]
    shown = np.clip(np.rint(plane), 0, 255).astype(np.uint8)
    if volume.shape[2] == 3:
        shown = np.stack([shown if n == c else np.zeros_like(shown) for n in range(3)], axis=2)
    row: Row = (Picture(shown, f"{name} alone"), Arrow("="), _grid(volume, c, name))
    line = f"{name}: from {number(plane.min())} to {number(plane.max())}, mean {number(plane.mean())}"
    return Step.of(name.capitalize(), (row, line), {"channel": name, "matrix": planes(volume)[c]})
