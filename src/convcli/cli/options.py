"""Option values that several commands share, from text to numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from convcli.cli.output import note
from convcli.errors import UsageError
from convcli.shapes import NAMED_PADDINGS, Pair, Sides

if TYPE_CHECKING:
    from convcli.config import ConfigFile
    from convcli.nn.network import Network


def parse_pair(text: str, option: str) -> Pair:
    """Return (rows, columns) of `3` or `3x5`.

    >>> parse_pair("3", "--stride"), parse_pair("3x5", "--n")
    ((3, 3), (3, 5))
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:[x×,]\s*(\d+)\s*)?", text)
    if not match:
        raise UsageError(f"{option}: expected a whole number or ROWSxCOLUMNS such as 3x5, not {text!r}.")
    return int(match[1]), int(match[2] or match[1])


def parse_padding(text: str, option: str = "--padding") -> str | Pair | Sides:
    """Return a padding of `same`, `valid`, `full`, `1`, `1x2` or `0,1,2,0` as `shapes.Window.of` takes it.

    >>> parse_padding("same"), parse_padding("1,2"), parse_padding("0,1,2,0")
    ('same', (1, 2), ((0, 1), (2, 0)))
    """
    name = text.strip().lower()
    if name in NAMED_PADDINGS:
        return name
    if sides := re.fullmatch(r"(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)", name):
        top, bottom, left, right = map(int, sides.groups())
        return (top, bottom), (left, right)
    if not name[:1].isdigit():
        raise UsageError(
            f"{option}: expected same, valid, full, a whole number, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT, "
            f"not {text!r}."
        )
    return parse_pair(name, option)


def parse_volume(text: str, option: str = "--input") -> tuple[int, int, int]:
    """Return (rows, columns, channels) of `28x28x1`.

    >>> parse_volume("28x32x3")
    (28, 32, 3)
    """
    numbers = text.replace("×", "x").split("x")
    if len(numbers) != 3 or not all(number.isdecimal() and int(number) for number in numbers):
        raise UsageError(f"{option}: expected ROWSxCOLUMNSxCHANNELS such as 28x28x1, not {text!r}.")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def configured_network(
    config: Path, overrides: Iterable[str], volume: str | None, classes: int | None
) -> tuple[Network, ConfigFile]:
    """Return the network of a configuration: for the data's images, or for --input and --classes."""
    from convcli import build

    file = build.load_config(config, overrides)
    if volume is not None:
        return build.build_network(file.config, parse_volume(volume), classes), file
    if classes is not None:
        raise UsageError("--classes goes with --input HxWxC; otherwise the data tells the number of classes.")
    data = build.load_data(file.config.data, file.base, file.config.training.seed)
    note(data.notes)
    return build.build_network(file.config, data.train.shape, len(data.train.classes)), file
