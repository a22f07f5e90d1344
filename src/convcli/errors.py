"""What a user can cause, as one tree. The command line turns each into a message and its exit code.

ConvcliError                1  failed: says what and where
├── InputError              1  a file that is missing, unreadable or not what it should be
├── OutputError             1  a place that cannot be written, or that would be overwritten
├── TrainingError           1  a run that cannot go on (the loss is not a number, …)
├── MissingExtraError       1  a package is needed that only an extra brings
├── DefectError             1  a mistake of convcli's own, met on one file
├── CheckError              3  a check said no: something computed is not what it should be
└── UsageError              2  the request itself does not make sense
    ├── UnknownNameError    2  no kernel, layer, reader … of that name
    ├── ShapeError          2  sizes that do not fit each other
    ├── KernelError         2  a kernel that cannot be read or built
    └── ConfigError         2  a configuration that is wrong; one line for each mistake

A message says what was expected, what was found, where, and what to do, in one or two lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from convcli.wording import LONGEST, shortened, shown, suggestion


class ConvcliError(Exception):
    """Base of everything convcli raises on purpose.

    A message is one line, or several that are given one by one: no name that stands in it can begin another.

    >>> print(ConvcliError("x\\nerror: forged: no such file.", "  A line of its own."))
    x\\nerror: forged: no such file.
      A line of its own.
    """

    exit_code = 1

    def __init__(self, *lines: str) -> None:
        super().__init__(*map(shown, lines))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[Any, ...]:
        """Take it to another process as it is; of what caused it what the system or its memory said."""
        cause = self.__cause__ if isinstance(self.__cause__, OSError | MemoryError) else None
        return _restored, (type(self), self.args, self.__dict__, cause)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the message."""
        return self.args

    def placed(self, place: str) -> Self:
        """Return the same error, which says first where it was met."""
        first, *others = self.args
        self.args = (f"{shown(place)}: {first}", *others)
        return self


def _restored(
    kind: type[ConvcliError], lines: tuple[str, ...], attributes: dict[str, Any], cause: Exception | None
) -> ConvcliError:
    """Return an error that comes from another process."""
    error = kind.__new__(kind, *lines)  # its own arguments made the lines, and are not known any more
    error.args, error.__cause__ = lines, cause
    error.__dict__.update(attributes)
    return error


class InputError(ConvcliError):
    """A file is missing, unreadable, damaged, or not of the kind it should be."""


class OutputError(ConvcliError):
    """A result cannot be written where it should go."""


class TrainingError(ConvcliError):
    """A training run cannot go on."""


class MissingExtraError(ConvcliError):
    """A package is needed that comes with an extra of convcli, and is not installed."""


class DefectError(ConvcliError):
    """convcli itself made a mistake on one file; the message names it, the cause says where it was made."""


class CheckError(ConvcliError):
    """A check came to the end and said no."""

    exit_code = 3


class ConvcliWarning(UserWarning):
    """What a command prints as a note, where Python code calls: nothing is wrong, and it should be known."""


class UsageError(ConvcliError, ValueError):
    """The request does not make sense, whatever the files hold."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is not among the known ones; the message suggests the nearest, or has a `hint`."""

    def __init__(self, kind: str, name: object, known: Iterable[str], hint: str = "") -> None:
        advice = f" {hint}" if hint else suggestion(str(name)[:LONGEST], known)
        super().__init__(f"Unknown {kind} {shortened(repr(name))}.{advice}")


class ShapeError(UsageError):
    """Sizes do not fit each other."""


class KernelError(UsageError):
    """A kernel cannot be read or built."""


class ConfigError(UsageError):
    """A configuration is wrong."""


def reason(error: Exception) -> str:
    """Return why a file could not be had, as the system says it: `OSError`, or `ValueError` of its name.

    >>> reason(OSError(28, "No space left on device")), reason(ValueError("embedded null byte"))
    ('No space left on device', 'embedded null byte')
    """
    return getattr(error, "strerror", None) or str(error)
