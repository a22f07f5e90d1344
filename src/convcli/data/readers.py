"""Which kinds of data sources there are, and how a name from a config becomes pictures.

A reader says which paths it understands and turns one into a `Splits`. Each lives in a file of its own and
registers itself; they are asked in the order of registration.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from convcli.data.neighbours import ALONE, Neighbours
from convcli.data.presentation import Presentation, Size
from convcli.data.splits import Splits
from convcli.errors import ConfigError, InputError, UsageError
from convcli.images import colour
from convcli.registry import Registry
from convcli.wording import shortened, suggestion

if TYPE_CHECKING:
    from convcli.config import DataOptions

Layout: TypeAlias = Literal["channels_last", "channels_first"]


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a source: how its pictures come out, and how what it holds is understood.

    None takes the size that more than half of the pictures have, the channels that most have, and the layout
    that the shape tells. Others are resized and converted, and the source's notes say so. If the range of the
    presentation is None, what the source holds decides.
    """

    size: Size | None = None  # rows and columns
    channels: int | None = None  # 1 for grey, 3 for RGB
    presentation: Presentation = field(default_factory=Presentation)
    settled: bool = False  # the presentation is that of a network already: nothing is found out
    skip_damaged: bool = False  # pictures that cannot be read are left out, instead of being an error
    columns: tuple[str, str] | None = None  # of a .csv file: those of path and label
    layout: Layout | None = None  # of an .npz file's images
    neighbours: Neighbours = ALONE  # who reads it together

    @classmethod
    def by(cls, options: DataOptions) -> Wanted:
        """Return what [data] asks of a source; its options go by their names."""
        asked = {one.name: getattr(options, one.name) for one in fields(cls) if hasattr(options, one.name)}
        return cls(**asked, presentation=_presentation(options))

    def like(self, shape: tuple[int, int, int], presentation: Presentation) -> Wanted:
        """Return what is wanted of pictures that join others of this shape and presentation."""
        rows, columns, channels = shape
        return replace(self, size=(rows, columns), channels=channels, presentation=presentation, settled=True)


def _presentation(options: DataOptions) -> Presentation:
    background = options.background
    if isinstance(background, str):
        try:
            background = colour(background)
        except UsageError as error:
            raise ConfigError(f"data.background: {error}") from error
    elif isinstance(background, int):
        background = (background, background, background)
    return Presentation(
        background=background, range=options.range, said=options.range is not None, fit=options.fit
    )


@dataclass(frozen=True)
class Reader:
    """One kind of data source: what it is in words, which existing paths are of it, and how they are read."""

    description: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, Wanted], Splits]


@dataclass(frozen=True)
class BuiltIn:
    """A set that comes with the package: what it is in words, and how it is read."""

    description: str
    read: Callable[[Wanted], Splits]


FEWER = "Take fewer images, or set a smaller data.size."  # for what is too large for memory

ANYTHING = Wanted()

LONGEST_PLACE = 200  # signs of a path in a message

READERS: Registry[Reader] = Registry("kind of data source")
BUILT_IN: Registry[BuiltIn] = Registry("built-in data set")


def open_source(source: str, *, base: Path, wanted: Wanted = ANYTHING) -> Splits:
    """Read a data source: a built-in set by its name, or whatever lies at a path.

    Parameters
    ----------
    source
        A built-in name (`digits`), which wins over a file of that name (`./digits` is the file), or a path;
        `~` is the home folder.
    base
        The folder that a relative path starts from.
    wanted
        How the pictures come out, and how what is stored is understood. A source to be joined to a training
        set is read with that set's size, channels and presentation.

    Raises
    ------
    InputError
        If there is nothing of that name, it is of no known kind, what it holds is damaged, or too large for
        this machine's memory.

    Examples
    --------
    >>> digits = open_source("digits", base=Path())
    >>> len(digits.train), len(digits.test), digits.train.shape
    (1438, 359, (8, 8, 1))
    """
    try:
        if source in BUILT_IN:
            return BUILT_IN[source].read(wanted)
        path = _existing(source, base)
        for reader in READERS.values():
            if reader.matches(path):
                return reader.read(path, wanted)
    except OSError as error:
        place = shortened(str(error.filename or source), LONGEST_PLACE)
        raise InputError(f"{place} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise InputError(
            f"{source}: {str(error) or 'too large for memory'}. Set a smaller image size."
        ) from error
    known = "; ".join(reader.description for reader in READERS.values())
    kind = "folder" if path.is_dir() else "file"
    raise InputError(f"{path}: this {kind} is not a data source. Understood are: {known}.")


def _existing(source: str, base: Path) -> Path:
    """Return the path that `source` names, or raise if nothing lies there."""
    if not source:
        raise InputError("No data is named: data.source is empty. Say where the images are.")
    path = base / os.path.expanduser(source)  # noqa: PTH111 - leaves ~name of an unknown user as it is
    if not source.strip() or not path.exists():
        raise InputError(
            f"Data source {source!r} not found: it is neither a built-in set nor a file or folder "
            f"({path}).{suggestion(source, BUILT_IN)}"
        )
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: expected a file or a folder, found a device, a pipe or a socket.")
    return path
