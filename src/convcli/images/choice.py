"""Which frames of a file are meant: all, one, or some in a row; counted from 1, as people do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from convcli.errors import InputError, UsageError
from convcli.wording import shortened

_SOME = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")


@dataclass(frozen=True)
class Choice:
    """Frames `first` to `last`, both among them, from 1; None for the last one that there is.

    >>> Choice.parsed("all"), Choice.parsed("3"), Choice.parsed("2-5")
    (Choice(first=1, last=None), Choice(first=3, last=3), Choice(first=2, last=5))
    """

    first: int
    last: int | None

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return what `all`, `3` or `2-5` means, or raise `UsageError`."""
        if text.strip().lower() == "all":
            return cls(1, None)
        match = _SOME.fullmatch(text)
        if not match:
            raise UsageError(
                f"--frames: expected all, a number or two such as 2-5, not {shortened(repr(text))}."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first < 1 or last < first:
            why = "are counted from 1" if first < 1 else f"go forward; write {last}-{first}"
            raise UsageError(f"--frames {text.strip()}: frames {why}.")
        return cls(first, last)

    def of(self, count: int, where: str) -> range:
        """Return the chosen ones of `count` frames, from 0; `InputError` if there are not as many."""
        if max(self.first, self.last or 0) > count:
            have = "one picture" if count == 1 else f"{count:,} frames"
            raise InputError(f"{where}: has {have}; --frames {self} asks for more.")
        return range(self.first - 1, count if self.last is None else self.last)

    def __str__(self) -> str:
        if self.last is None:
            return "all" if self.first == 1 else f"{self.first}-"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
