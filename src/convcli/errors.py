"""What a user can cause, as one tree. The command line turns each into a message and its exit code.

ConvcliError                1  failed: says what and where
├── InputError              1  a file that is missing, unreadable or not what it should be
├── OutputError             1  a place that cannot be written, or that would be overwritten
├── TrainingError           1  a run that cannot go on (the loss is not a number, …)
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

import os
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 80  # signs of something foreign that a message repeats


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

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the message."""
        return self.args


class InputError(ConvcliError):
    """A file is missing, unreadable, damaged, or not of the kind it should be."""


class OutputError(ConvcliError):
    """A result cannot be written where it should go."""


class TrainingError(ConvcliError):
    """A training run cannot go on."""


class DefectError(ConvcliError):
    """convcli itself made a mistake on one file; the message names it, the cause says where it was made."""


class CheckError(ConvcliError):
    """A check came to the end and said no."""

    exit_code = 3


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


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of an error message that helps with a misspelt `word`.

    >>> suggestion("optimzer", ["optimizer", "epochs"])
    " Did you mean 'optimizer'?"
    >>> suggestion("xyz", ["a", "b"])
    ' Known: a, b.'
    """
    names = list(known)
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]!r}?"
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" Known: {listed}." if names else ""


def shortened(text: str, most: int = LONGEST) -> str:
    """Return `text`, or its beginning if it is too long to be repeated in a message."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def reason(error: Exception) -> str:
    """Return why a file could not be had, as the system says it: `OSError`, or `ValueError` of its name.

    >>> reason(OSError(28, "No space left on device")), reason(ValueError("embedded null byte"))
    ('No space left on device', 'embedded null byte')
    """
    return getattr(error, "strerror", None) or str(error)


def shown(name: str | os.PathLike[str]) -> str:
    """Return the name of a file, or any text, on one line: what is no printable text is spelled out.

    Neither control characters pass nor what turns the order of signs around.

    >>> shown("photo [1].png"), shown("two\\nlines\\x1b[31m"), shown(os.fsdecode(b"caf\\xe9.png"))
    ('photo [1].png', 'two\\\\nlines\\\\x1b[31m', 'caf\\\\xe9.png')
    """
    text = os.fspath(name)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _spelled_out(sign) for sign in text)


def _spelled_out(sign: str) -> str:
    byte = ord(sign) - 0xDC00  # as Python keeps a byte that is no text
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else sign.encode("unicode_escape").decode()
