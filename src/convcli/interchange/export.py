"""What an export is: a trained network as the files of some format, and what there is to say of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from convcli.config import Options
from convcli.data import Dataset
from convcli.nn.model import Model

# In the order of `--split`: of unions with equal literals `typing` keeps the first, for everybody.
Part: TypeAlias = Literal["validation", "test", "train"]

Images: TypeAlias = Callable[[Part | None], Dataset | None]
"""Returns labelled images of the run's data, in its classes: a part of it, or, for None, those that
`evaluate` measures (the test part if there is one, otherwise validation). None where there is no such part,
or the data is not to be had, which has been said then."""


@dataclass(frozen=True, eq=False)
class Exported:
    """A network in some format.

    Attributes
    ----------
    files
        Contents by name: one, or those of a folder.
    lines
        Results to print, such as what a smaller form costs.
    notes
        What was left out, guessed or rounded.
    """

    files: Mapping[str, bytes]
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Export(Options):
    """A format. Its options are its fields, and their names those of the command line.

    Attributes
    ----------
    target
        The file that it becomes, in the run's folder; a folder where the name ends in a slash.
    """

    target: ClassVar[str]

    @property
    def place(self) -> str:
        """Where it goes in the run's folder: the target, unless its options say otherwise."""
        return self.target

    @abstractmethod
    def of(self, model: Model, images: Images) -> Exported:
        """Return a network in this format.

        Raises
        ------
        MissingExtraError
            If that takes a package that is not installed.
        UsageError
            If the format, or these options of it, cannot hold this network.
        """
