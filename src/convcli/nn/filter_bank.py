"""A filter bank: kernels, by name or typed in, as the weights that a convolution begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import KernelError, UnknownNameError
from convcli.nn.layer import Images, Initial
from convcli.nn.learned import checked, is_learned
from convcli.shapes import Pair

SCHEMES = ("he", "glorot", "dirac", "whiten")

Init: TypeAlias = str | tuple[str, ...]

_NAME = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?::.*)?")


def checked_init(value: object) -> Init:
    """Return an option `init`: one of `SCHEMES`, a layer of a run, or kernels as `kernels.parse` takes them.

    Raises
    ------
    UnknownNameError, KernelError
        If there is no such kernel, or it cannot be built.
    ValueError
        If it is no text and no list of texts.
    """
    if isinstance(value, str):
        if is_learned(value):
            return checked(value)
        if value not in SCHEMES:
            _measured(value)
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(text, str) for text in value):
        for text in value:
            _measured(text)
        return tuple(value)
    raise ValueError(
        f'expected "he", "glorot", "dirac", "whiten", a kernel or a list of kernels, not {value!r}'
    )


@dataclass(frozen=True)
class Planned:
    """A kernel that some filters begin as, not built yet: text, name, sides, number of parts."""

    text: str
    name: str
    shape: Pair
    parts: int


def _measured(text: str) -> Planned:
    """Return what is known of a kernel before it is built, which may take much memory; or its error."""
    from convcli.kernels import KERNELS, parse, shape_of  # few networks begin with kernels

    match = _NAME.fullmatch(text)
    if match and match[1] in SCHEMES:
        raise KernelError(f"{match[1]} is for all filters; it cannot stand in a list of kernels.")
    if is_learned(text):
        raise KernelError(f"{text}: a layer of a run is all filters; it cannot stand in a list of kernels.")
    if match and match[1] not in KERNELS:
        raise UnknownNameError("initialisation", match[1], [*SCHEMES, *KERNELS])
    if text.lstrip().startswith("@"):
        raise KernelError(
            f"{text}: a run keeps its configuration, but not other files; type the weights in, such as "
            '"1 0 -1; 2 0 -2; 1 0 -1".'
        )
    shape = shape_of(text)
    kernel = parse(match[1] if match else text)  # its parts are as many whatever its size
    return Planned(text, kernel.name, shape, len(kernel.parts))


def bank_of(init: Init | None, size: Pair, filters: int) -> tuple[Planned, ...]:
    """Return the kernels that `init` names, for a layer of so many filters of `size`; none if it draws them.

    Raises
    ------
    KernelError
        If one is larger than the filters, or their parts do not go evenly into the number of filters.
    """
    if init is None or init in SCHEMES or is_learned(init):
        return ()
    from convcli.kernels import KERNELS, takes_size

    kernels = tuple(map(_measured, [init] if isinstance(init, str) else init))
    for kernel in kernels:
        if any(cells > side for cells, side in zip(kernel.shape, size, strict=True)):
            found, filter_size = (" × ".join(map(str, sides)) for sides in (kernel.shape, size))
            rows, columns = np.maximum(kernel.shape, size).tolist()
            sized = kernel.name in KERNELS and takes_size(kernel.name, min(size))
            smaller = f"write {kernel.name}:size={min(size)}" if sized else "take a smaller one"
            raise KernelError(
                f"init: {kernel.name} is {found}, larger than the filters of {filter_size}: "
                f"set kernel = {rows if rows == columns else [rows, columns]} or {smaller}."
            )
    count = sum(kernel.parts for kernel in kernels)
    if filters % count:
        less, more = filters // count * count, -(-filters // count) * count
        raise KernelError(
            f"init gives {_counted(kernels)} for filters = {filters}. They are repeated in order and have to "
            f"come out even: set filters = {f'{less} or {more}' if less else more}."
        )
    return kernels


def _counted(kernels: Sequence[Planned]) -> str:
    """Return how many kernels there are, and which of them count for several."""
    count = sum(kernel.parts for kernel in kernels)
    parts = [f"{kernel.name} counts for {kernel.parts}" for kernel in kernels if kernel.parts > 1]
    why = f" ({', '.join(dict.fromkeys(parts))})" if parts else ""
    return f"{count} kernel{'s' * (count != 1)}{why}"


@dataclass(frozen=True, eq=False)
class FilterBank(Initial):
    """Weights (f_h, f_w, c, filters) that begin as kernels, repeated in order until every filter has one.

    A kernel of several parts stands for as many filters. Smaller ones lie in the middle of the window. With c
    channels each gets the kernel divided by c, so that the result is the mean of the channels' results.
    """

    kernels: tuple[Planned, ...] = ()

    def draw(self, rng: np.random.Generator, images: Images | None = None) -> Array:
        from convcli.kernels import centred, parse

        rows, columns, depth, filters = self.shape
        kernels = (parse(kernel.text) for kernel in self.kernels)
        parts = [centred(part, (rows, columns)) for kernel in kernels for part in kernel.parts]
        bank = np.tile(np.stack(parts, axis=2), filters // len(parts))
        return np.repeat(bank[:, :, None] / depth, depth, axis=2)


@dataclass(frozen=True)
class Dirac(Initial):
    """Weights (f_h, f_w, c, filters) of which the first c filters of each group hand on a channel as it is.

    They are 1 in the middle of their own channel. The other filters, where there are more, are drawn.
    Sources: Zagoruyko and Komodakis, 2017, "DiracNets", arXiv:1706.00388; beside drawn ones as in Jordan,
    2024, arXiv:2404.00498, section 3.3.

    Attributes
    ----------
    groups
        Of filters, whose channels are others.
    """

    groups: int = 1

    def draw(self, rng: np.random.Generator, images: Images | None = None) -> Array:
        weights = super().draw(rng)
        rows, columns, depth, filters = self.shape
        each = filters // self.groups
        for group in range(self.groups):
            first = slice(group * each, group * each + min(depth, each))
            weights[..., first] = 0
            weights[rows // 2, columns // 2, :, first] = np.eye(depth, min(depth, each))
        return weights
