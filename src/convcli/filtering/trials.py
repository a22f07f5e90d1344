"""What kernels and steps make of one picture, each tried by itself, before one of them is chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convcli.errors import ConvcliError, UsageError
from convcli.filtering.chain import Findings
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.policy import Policy
from convcli.filtering.steps.parsing import step_of
from convcli.images import Image, View, view
from convcli.kernels import KERNELS, Kernel
from convcli.kernels.smoothing import SMOOTHING
from convcli.wording import shortened

MOST = 100
"""Tiles of a sheet; more would be looked at by nobody."""

DARK = 4.0  # of 255, on average

_SPLIT = re.compile(r",(?!\s*[A-Za-z_]\w*\s*=)")  # between names, not between a name's options
_OPTION = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_NEXT = re.compile(r",(?=\s*[A-Za-z_]\w*\s*=)")


def groups() -> dict[str, tuple[str, ...]]:
    """Return what stands for several kernels → their names: all, edges, blur, and the groups of the list.

    `edges` are the strengths of edges in every direction, and second derivatives.
    """
    by_group: dict[str, list[str]] = {}
    for name, definition in KERNELS.items():
        by_group.setdefault(definition.group, []).append(name)
    whole = [name for name, one in KERNELS.items() if one.combine in ("magnitude", "maximum")]
    return {
        "all": tuple(KERNELS),
        "edges": (*whole, *by_group["second derivative"]),
        "blur": tuple(by_group[SMOOTHING]),
        **{name: tuple(names) for name, names in by_group.items()},
    }


def named(text: str) -> list[str]:
    """Return the kernels and steps that a list stands for, groups in it as their kernels.

    >>> named("gaussian:sigma=1,size=3, sobel"), named("blur")
    (['gaussian:sigma=1,size=3', 'sobel'], ['box', 'gaussian', 'motion'])
    """
    known, found = groups(), list[str]()
    for item in (item.strip() for item in _SPLIT.split(text)):
        found += known.get(item, (item,))
    return list(dict.fromkeys(found))


def varied(text: str) -> list[str]:
    """Return the steps of `name:key=value,value,…`: one for each value, or each pair of two keys' values.

    Raises
    ------
    UsageError
        If no key has several values.

    Examples
    --------
    >>> varied("gaussian:sigma=1,2,4")
    ['gaussian:sigma=1', 'gaussian:sigma=2', 'gaussian:sigma=4']
    """
    name, colon, rest = text.partition(":")
    options = [_OPTION.fullmatch(item) for item in _NEXT.split(rest)] if colon else []
    if not options or not all(options) or not any("," in option[2] for option in options if option):
        raise UsageError(
            f"{shortened(text)}: expected a name and values of an option, such as gaussian:sigma=1,2,4."
        )
    texts = [name + ":"]
    for option in options:
        assert option is not None
        values = [value.strip() for value in option[2].split(",")]
        if len(texts) * len(values) > MOST:
            raise UsageError(f"{shortened(text)}: more than the {MOST} pictures that a sheet holds.")
        comma = "" if texts[0].endswith(":") else ","
        texts = [f"{begun}{comma}{option[1]}={value}" for begun in texts for value in values]
    return texts


@dataclass(frozen=True, eq=False)
class Trial:
    """A pipeline to be tried, by what it is called."""

    label: str
    pipeline: Pipeline


@dataclass(frozen=True, eq=False)
class Tried:
    """What has come of it: a picture with what was found, or why there is none."""

    label: str
    view: View | None
    found: Findings | None
    error: str = ""

    @property
    def is_dark(self) -> bool:
        """Whether nearly nothing is to be seen in it."""
        return self.view is not None and float(self.view.colours.mean()) < DARK


def trials(
    texts: Iterable[str],
    chain: Sequence[str] = (),
    *,
    read: Callable[[str], Kernel],
    range: str = "auto",  # noqa: A002  (the option's name)
) -> list[Trial]:
    """Return a trial of each kernel or step, and of each beginning of a chain.

    Raises
    ------
    UsageError
        If one cannot be read, or they are too many.
    """
    policy = Policy(range=range)
    made = [Trial(text, Pipeline([step_of(text, read)], policy)) for text in texts]
    steps = [step_of(text, read) for text in chain]
    for n, text in enumerate(chain, 1):
        label = f"{n}. {text}" if n == 1 else f"{n}. then {text}"
        made.append(Trial(label, Pipeline(steps[:n], policy)))
    if len(made) > MOST:
        raise UsageError(f"A sheet holds {MOST} pictures; {len(made):,} are asked for. Name fewer.")
    return made


def tried(image: Image, listed: Iterable[Trial], threads: int | None = None) -> Iterator[Tried]:
    """Yield what each trial makes of an image; one that cannot be laid on it says why."""
    for trial in listed:
        try:
            made, found, _ = trial.pipeline(image, threads=threads)
        except ConvcliError as error:
            yield Tried(trial.label, None, None, error.lines[0])
        else:
            yield Tried(trial.label, view(made), found)


def piece(image: Image, rows: int, columns: int) -> Image:
    """Return the middle of an image, of at most so many rows and columns, as it is."""
    places = []
    for size, most in zip(image.pixels.shape[:2], (rows, columns), strict=True):
        first = max(size - most, 0) // 2
        places.append(slice(first, min(first + most, size)))
    at = (places[0], places[1])
    return Image(
        np.ascontiguousarray(image.pixels[at]),
        None if image.alpha is None else np.ascontiguousarray(image.alpha[at]),
    )


def reduced(image: Image, most: int) -> Image:
    """Return an image in 8 bits, no larger than `most` pixels on its longer side; its notes say how."""
    longest = max(image.pixels.shape[:2])
    if image.pixels.dtype == np.uint8 and longest <= most:
        return replace(image, notes=())
    seen = view(image)
    if longest > most:
        rows, columns = (max(1, round(side * most / longest)) for side in seen.shape)
        seen = seen.fitted(rows, columns)
    colours = seen.colours
    if seen.alpha is not None:  # which has weighted them
        share = np.maximum(seen.alpha, 1)[:, :, None].astype(np.uint16)
        colours = np.minimum((colours * np.uint16(255) + share // 2) // share, 255).astype(np.uint8)
    if image.pixels.ndim == 2 or image.pixels.shape[2] != 3:
        colours = np.ascontiguousarray(colours[:, :, 0])
    return Image(colours, seen.alpha, notes=seen.notes)
