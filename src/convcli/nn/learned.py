"""What names a layer of a trained network, whose arrays another begins as: `run:RUN#1`, `run:RUN#2.1`."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BeforeValidator

from convcli.wording import shortened

_NUMBER = r"[1-9]\d{0,8}"
_LEARNED = re.compile(rf"run:(?P<run>[^#].*)#(?P<layer>{_NUMBER}(?:\.{_NUMBER})*)")
FORM = '"run:RUN#1", or "run:RUN#2.1" for the first layer in the second'


class Source(NamedTuple):
    """A layer of a run: as commands name the run, and the number of the layer there."""

    run: str
    layer: str


def is_learned(init: object) -> bool:
    """Whether an option `init` names a layer of a run."""
    return isinstance(init, str) and init.startswith("run:")


def checked(init: object) -> str:
    """Return an option `init` that names a layer of a run, or raise ValueError."""
    if not isinstance(init, str) or not _LEARNED.fullmatch(init):
        raise ValueError(f"expected the layer of a run, {FORM}, not {shortened(repr(init))}")
    return init


def source_of(init: str) -> Source:
    """Return what a text names.

    >>> source_of("run:runs/digits-001#2.1")
    Source(run='runs/digits-001', layer='2.1')
    """
    match = _LEARNED.fullmatch(checked(init))
    assert match, "it was checked"
    return Source(match["run"], match["layer"])


def learned_of(init: str, name: str) -> str:
    """Return what names the layer whose array of the same name an array of a layer begins as.

    >>> learned_of("run:digits#2", "W"), learned_of("run:digits#2", "1.W")
    ('run:digits#2', 'run:digits#2.1')
    """
    inner = name.rpartition(".")[0]
    return f"{init}.{inner}" if inner else init


def words(init: object) -> list[str]:
    """Return what a layer's summary says of its `init` if that names a layer of a run."""
    if not is_learned(init):
        return []
    run, layer = source_of(str(init))
    return [f"as {run.rstrip('/').rpartition('/')[2]}#{layer}"]


def _optional(init: object) -> object:
    return None if init is None else checked(init)


def _drawn(init: object) -> object:
    if init is None or init in ("he", "glorot"):
        return init
    if is_learned(init):
        return checked(init)
    raise ValueError(f'expected "he", "glorot", or the layer of a run, {FORM}, not {shortened(repr(init))}')


Learned: TypeAlias = Annotated[str | None, BeforeValidator(_optional)]
"""A field `init` of layers that have no other way to begin than their own."""

Drawn: TypeAlias = Annotated[str | None, BeforeValidator(_drawn)]
"""A field `init` of layers whose weights are drawn."""
