"""What a terminal can show, how large a picture is on it, and the picture as what is written there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from convcli.images import View
from convcli.render.screen.blocks import blocks, characters
from convcli.render.screen.inline import iterm, kitty
from convcli.render.screen.sixel import sixel

Size: TypeAlias = tuple[int, int]

PROTOCOLS = ("kitty", "sixel", "iterm", "blocks", "text")

CHECKS = 2  # pixels of a checkerboard's square where two pixels are a character
MOST_SIDE = 4096  # pixels that a terminal is sent across or down
MOST_TIMES = {"blocks": 4, "text": 4}  # as large as it is, a small picture is shown at most
MOST_TIMES_IN_PIXELS = 32


@dataclass(frozen=True)
class Screen:
    """A terminal, or what is written instead of to one.

    Attributes
    ----------
    protocol
        One of `PROTOCOLS`.
    columns, lines
        Of characters that a picture may take.
    cell
        Height and width of a character in pixels.
    many_colours
        Whether any colour can be shown; otherwise the 256 of xterm.
    """

    protocol: str
    columns: int = 80
    lines: int = 24
    cell: Size = (20, 10)
    many_colours: bool = True


def drawn(view: View, screen: Screen) -> str:
    """Return a picture as large as fits the screen, smaller ones a whole number of times as large."""
    high, wide = screen.cell
    if screen.protocol in ("blocks", "text"):
        halves = 2 if screen.protocol == "blocks" else 1  # pixels that a character is high
        room = screen.lines * halves, screen.columns
        rows, columns = fitting(view.shape, room, high / halves / wide, MOST_TIMES[screen.protocol])
        pixels = view.fitted(rows, columns).on_checks(CHECKS)
        if screen.protocol == "text":
            return characters(pixels)
        return blocks(pixels, many_colours=screen.many_colours)
    room = min(screen.lines * high, MOST_SIDE), min(screen.columns * wide, MOST_SIDE)
    rows, columns = fitting(view.shape, room, 1.0, MOST_TIMES_IN_PIXELS)
    pixels = view.fitted(rows, columns).on_checks()
    if screen.protocol == "sixel":
        return sixel(pixels)
    cells = max(1, -(-rows // high)), max(1, -(-columns // wide))
    return kitty(pixels) if screen.protocol == "kitty" else iterm(pixels, cells)


def fitting(shape: Size, room: Size, height: float, most: int) -> Size:
    """Return the pixels of the screen, rows and columns, that a picture of a shape is shown with.

    Each is `height` times as high as it is wide, and there is `room` for so many. What is smaller is shown a
    whole number of times as large, at most `most`.

    >>> fitting((512, 512), (48, 80), 1.0, 4), fitting((4, 4), (48, 80), 1.0, 4)
    ((48, 48), (16, 16))
    >>> fitting((1, 5000), (24, 80), 2.0, 4)
    (1, 80)
    """
    rows, columns = shape
    share = min(room[0] * height / rows, room[1] / columns)
    if share > 1:
        share = float(min(int(share), most))
    return (
        min(max(1, round(rows * share / height)), room[0]),
        min(max(1, round(columns * share)), room[1]),
    )
