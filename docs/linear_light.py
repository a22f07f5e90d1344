"""Draws docs/images/linear-light.png: a blur of stored values beside a blur of light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw

from convcli import filter_image

TARGET = Path(__file__).parent / "images" / "linear-light.png"
SIZE, GAP = 200, 12


def scenes() -> list[np.ndarray]:
    """Return red against green, and points of light in the dark."""
    edge = np.zeros((SIZE, SIZE, 3), np.uint8)
    edge[:, : SIZE // 2, 0], edge[:, SIZE // 2 :, 1] = 255, 255
    lamps = np.full((SIZE, SIZE, 3), (8, 10, 24), np.uint8)
    rng = np.random.default_rng(1)
    for row, column in rng.integers(10, SIZE - 10, (40, 2)):
        lamps[row : row + 2, column : column + 2] = (255, 220, 160)
    return [edge, lamps]


def main() -> None:
    """Write the picture: as it is, stored values blurred, light blurred."""
    rows, columns = 2, 3
    sheet = PIL.Image.new(
        "RGB", (columns * SIZE + (columns + 1) * GAP, rows * (SIZE + GAP) + GAP + 18), "white"
    )
    pen = PIL.ImageDraw.Draw(sheet)
    for number, label in enumerate(("as it is", "gaussian:sigma=8", "the same with --linear")):
        pen.text((GAP + number * (SIZE + GAP), 6), label, "black")
    for row, scene in enumerate(scenes()):
        blurs = [filter_image(scene, "gaussian:sigma=8", linear=linear) for linear in (False, True)]
        for column, pixels in enumerate([scene, *blurs]):
            place = GAP + column * (SIZE + GAP), 24 + row * (SIZE + GAP)
            sheet.paste(PIL.Image.fromarray(pixels), place)
    sheet.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
