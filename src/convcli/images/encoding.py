"""How a file is made of an image, where its format leaves a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from convcli.errors import UsageError

COMPRESSION = 1
"""How hard a PNG file is compressed unless asked: runs only, no search for repetitions."""

MODERN_QUALITY = 90
"""Of AVIF and HEIC files unless asked."""

Loss: TypeAlias = Literal["never", "always", "either"]
"""Whether a format's files lose something, more or less as is asked: never, always, or as is asked."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a file is made.

    Attributes
    ----------
    compress
        What a PNG file takes in time to be smaller, 0 to 9.
    quality
        Of formats that lose something, 1 to 100; None for the format's usual one.
    lossless
        That nothing is to be lost, of formats that leave the choice.
    threads
        How many work on a PNG file.
    progress
        What hears of the shares of a PNG file that are made, from any thread.
    """

    compress: int = COMPRESSION
    quality: int | None = None
    lossless: bool = False
    threads: int = 1
    progress: Callable[[float], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"quality is from 1 to 100; found {self.quality}.")
