"""Option values that several commands share, from text to numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from convcli.cli.output import note
from convcli.errors import UsageError
from convcli.shapes import NAMED_PADDINGS, Pair, Sides

if TYPE_CHECKING:
    from convcli.config_file import ConfigFile
    from convcli.data import Splits
    from convcli.nn.network import Network


MaxPixels: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        metavar="N",
        min=1,
        help="Refuse images of more pixels, which a small file may unfold to; 67108864 (2^26) unless given: "
        "a gigabyte of memory is enough for those.",
    ),
]

RUN_HELP = "A run's folder, the name of one in runs/, or `latest`."

KeepGoing: TypeAlias = Annotated[
    bool,
    typer.Option("--keep-going", help="Go on after an image that fails; list those at the end, exit with 1."),
]

RunFolder: TypeAlias = Annotated[Path, typer.Argument(help=RUN_HELP, show_default=False)]
"""The argument of every command that uses a trained network; `chosen_run` says which folder it names."""

Configuration: TypeAlias = Annotated[Path, typer.Argument(help="The configuration.", show_default=False)]

Overrides: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a value over the file's.")
]

Classes: TypeAlias = Annotated[
    int | None, typer.Option("--classes", min=1, help="With --input: the number of classes.")
]

Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, help="Threads to compute with; all cores it may use, unless given."
    ),
]

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

JsonLines: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document, or one line of it for each of several images."),
]

Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Overwrite existing files (never an input).")]


OwnPart: TypeAlias = Annotated[
    Literal["validation", "test", "train"] | None,
    typer.Option("--split", help="Which part; test if there is one, otherwise validation."),
]

OtherData: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="SOURCE", help="Other data, or with --split the run's own that has moved."
    ),
]


MOST_DIGITS = 18
"""More than any size that a machine can hold; Python itself gives up at 4,300."""


def parse_pair(text: str, option: str) -> Pair:
    """Return (rows, columns) of `3` or `3x5`.

    >>> parse_pair("3", "--stride"), parse_pair("3x5", "--n")
    ((3, 3), (3, 5))
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:[x×,]\s*(\d+)\s*)?", text)
    if not match:
        raise UsageError(f"{option}: expected a whole number or ROWSxCOLUMNS such as 3x5, not {text!r}.")
    return whole(match[1], option), whole(match[2] or match[1], option)


def whole(digits: str, option: str) -> int:
    """Return a whole number, if it can be a size or a place.

    >>> whole("28", "--n")
    28
    """
    if len(digits) > MOST_DIGITS:
        raise UsageError(
            f"{option}: expected a number of at most {MOST_DIGITS} digits, found one of {len(digits):,}."
        )
    return int(digits)


def parse_padding(text: str, option: str = "--padding") -> str | Pair | Sides:
    """Return a padding of `same`, `valid`, `full`, `1`, `1x2` or `0,1,2,0` as `shapes.Window.of` takes it.

    >>> parse_padding("same"), parse_padding("1,2"), parse_padding("0,1,2,0")
    ('same', (1, 2), ((0, 1), (2, 0)))
    """
    name = text.strip().lower()
    if name in NAMED_PADDINGS:
        return name
    if sides := re.fullmatch(r"(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)", name):
        top, bottom, left, right = (whole(digits, option) for digits in sides.groups())
        return (top, bottom), (left, right)
    if not name[:1].isdigit():
        raise UsageError(
            f"{option}: expected same, valid, full, a whole number, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT, "
            f"not {text!r}."
        )
    return parse_pair(name, option)


def parse_nodata(texts: Iterable[str]) -> list[float | str]:
    """Return the values for no data; "auto" stays a word.

    >>> parse_nodata(["-9999", "NaN", "auto"])
    [-9999.0, nan, 'auto']
    """
    values: list[float | str] = []
    for text in texts:
        word = text.strip().lower()
        try:
            values.append(word if word == "auto" else float(word.replace("−", "-")))
        except ValueError:
            raise UsageError(f"--nodata: expected a number, nan or auto, not {text!r}.") from None
    return values


def parse_volume(text: str, option: str = "--input") -> tuple[int, int, int]:
    """Return (rows, columns, channels) of `28x28x1`.

    >>> parse_volume("28x32x3")
    (28, 32, 3)
    """
    numbers = text.replace("×", "x").split("x")
    if len(numbers) != 3 or not all(number.isdecimal() and whole(number, option) for number in numbers):
        raise UsageError(f"{option}: expected ROWSxCOLUMNSxCHANNELS such as 28x28x1, not {text!r}.")
    rows, columns, channels = (whole(number, option) for number in numbers)
    return rows, columns, channels


def chosen_run(name: Path) -> Path:
    """Return the folder of the run that an option or argument names; a choice that was made is said."""
    from convcli.runs.history import find

    folder, choice = find(name)
    note(choice or ())
    return folder


def configured_network(
    config: Path, overrides: Iterable[str], volume: str | None, classes: int | None
) -> tuple[Network, ConfigFile]:
    """Return the network of a configuration: for the data's images, or for --input and --classes."""
    from convcli.config_file import ConfigFile
    from convcli.nn.network import Network

    file = ConfigFile.read(config, overrides)
    if volume is not None:
        return Network.classifying(file.config.layers, parse_volume(volume), classes), file
    if classes is not None:
        raise UsageError("--classes goes with --input HxWxC; otherwise the data tells the number of classes.")
    data = data_of(file)
    return Network.classifying(file.config.layers, data.train.shape, len(data.train.classes)), file


def data_of(file: ConfigFile) -> Splits:
    """Return the data that a configuration names; what there is to say of it is said."""
    from convcli.data import load_data

    data = load_data(file.config.data, file.base, file.config.training.seed)
    note(data.notes)
    return data
