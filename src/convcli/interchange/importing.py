"""What an import is: a file that others wrote as a network of ours, and what there is to say of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from convcli.config import Options, tuples
from convcli.nn.model import Model

Numbers = Annotated[tuple[float, ...], BeforeValidator(tuples), Field(min_length=1)]
"""One for all channels, or one for each."""


@dataclass(frozen=True, eq=False)
class Imported:
    """A network that came in.

    Attributes
    ----------
    model
        The network with its weights. Its configuration is what `document` says.
    document
        The configuration to write: what the file and the user say, and no value that is in force anyway.
    notes
        What was guessed, converted or left out, a line each.
    """

    model: Model
    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Import(Options):
    """A kind of file. Its options are its fields, and their names those of the command line.

    Attributes
    ----------
    classes
        Names of the classes, in the order of the outputs.
    data
        Where images of these classes are, as [data] `source` names them.
    mean, deviation
        What pixels from 0 to 1 are reduced and divided by.
    size
        Rows and columns of the images.
    """

    classes: tuple[str, ...] | None = None
    data: str | None = None
    mean: Numbers | None = None
    deviation: Numbers | None = None
    size: tuple[int, int] | None = None

    @abstractmethod
    def of(self, path: Path) -> Imported:
        """Return the network in the file at `path`.

        Raises
        ------
        MissingExtraError
            If that takes a package that is not installed.
        InputError
            If the file cannot be read, is damaged, or holds what no layer of ours is.
        UsageError
            If what the user said does not fit the file.
        """
