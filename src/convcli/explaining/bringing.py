"""What a user brings for the tensors of a topic, read; and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from convcli import kernels
from convcli.arrays import Given, file_of, is_literal, is_stream, levels, names_array, read_array
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.layouts import as_filters, as_list, as_volume, check_layout
from convcli.explaining.reading import Input, cut, parse_box
from convcli.explaining.request import Request

POOLS = dict.fromkeys(("avg", "average"), "mean")
"""Other names of pools; what is printed is the one that is named here."""

_CROP = re.compile(r"(?P<what>.+)@(?P<box>[\d ]+(?:,[\d ]+){3})")


def bring(ask: Request) -> tuple[Request, tuple[str, ...]]:
    """Return a request in which texts that name arrays are tensors as topics take them, and notes.

    What names no array (an image file, a kernel of a name) stays as it is.

    Raises
    ------
    UsageError
        If one cannot be what it is given for, or nothing is there that has a layout.
    InputError
        If a file cannot be read.
    """
    layout = None if ask.layout is None else ask.layout.lower()  # NCHW is how PyTorch writes it
    check_layout(layout)
    brought: dict[str, Any] = {}
    notes: list[str] = []
    if isinstance(ask.input, str) and (own := _input(ask.input, layout, notes)) is not None:
        brought["input"] = own
    if isinstance(ask.gradient, str):
        brought["gradient"] = volume_of(read_array(ask.gradient, "--gradient"), "--gradient", layout, notes)
    if any(isinstance(one, str) and _is_array(one) for one in ask.kernels):
        brought["kernels"] = tuple(k for one in ask.kernels for k in _kernels(one, layout, notes))
    if layout is not None and not brought:
        raise UsageError("--layout says which axis of your own arrays is which; no array is given.")
    pool = POOLS.get(ask.pool, ask.pool) if ask.pool is not None else None
    return replace(ask, layout=None, pool=pool, **brought), tuple(notes)


def volume_of(given: Given, option: str, layout: str | None, notes: list[str]) -> Array:
    """Return an array as (h, w, c); what there is to say of it goes to `notes`."""
    volume, said = as_volume(given, option, layout)
    notes += (*_plain(given.notes), *said)
    return volume


def kernels_of(given: Given, layout: str | None, notes: list[str]) -> tuple[kernels.Kernel, ...]:
    """Return the filters of an array; one of one channel lies on each. `notes` as in `volume_of`."""
    weights, said = as_filters(given, "--kernel", layout)
    notes += (*_plain(given.notes), *said)
    count = weights.shape[3]
    name = re.sub(r"\.np[yz]", "", given.name or "custom")
    return tuple(_kernel(weights[..., k], name if count == 1 else f"{name} {k + 1}") for k in range(count))


def list_of(text: str, option: str) -> tuple[float, ...]:
    """Return the numbers of `--bias` or `--gamma`: `1 -2`, or what `read_array` takes."""
    if not is_stream(text) and is_literal(text) and not re.search(r"[\[({;|]", text):
        text = f"[{text}]"  # in which commas part numbers
    return tuple(as_list(read_array(text, option), option).tolist())


def files_of(text: str) -> list[Path]:
    """Return the files that a text of `--input`, `--kernel`, `--gradient` or a list may have read."""
    crop = _CROP.fullmatch(text)
    what = [text, crop["what"]] if crop else [text]
    return [file for one in what if names_array(one) and (file := file_of(one)) is not None]


def _plain(notes: Iterable[str]) -> Iterator[str]:
    return (note.removeprefix("--") for note in notes)


def _input(text: str, layout: str | None, notes: list[str]) -> Input | None:
    """Return the numbers of an array, or of its crop; None of what is a picture's file."""
    crop = _CROP.fullmatch(text)
    box = parse_box(crop["box"], "--input") if crop and names_array(crop["what"]) else None
    if crop and box:
        text = crop["what"]
    if not names_array(text):
        return None
    found = read_array(text, "--input")
    volume = volume_of(found, "--input", layout, notes)
    return Input(volume if box is None else cut(volume, box, "--input"), found.name or "input")


def _kernels(
    given: str | kernels.Kernel, layout: str | None, notes: list[str]
) -> Iterable[str | kernels.Kernel]:
    if isinstance(given, str) and _is_array(given):
        return kernels_of(read_array(given, "--kernel"), layout, notes)
    return (given,)


def _is_array(text: str) -> bool:
    """Whether a kernel's text is an array's: not a name, nor what the grammar of kernels reads by itself."""
    if "|" in text or not names_array(text):
        return False
    file = file_of(text)
    if file is None:
        return is_stream(text) or levels(text, "--kernel") > 2
    return not text.startswith("@") or file.suffix.lower() in (".npy", ".npz")


def _kernel(weights: Array, name: str) -> kernels.Kernel:
    parts = tuple(kernels.checked_weights(weights[:, :, c], "--kernel") for c in range(weights.shape[2]))
    return kernels.Kernel(name, parts, "volume" if len(parts) > 1 else "single")
