"""A kind of image files: what it begins with, how it is read, the formats that it is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

from convcli.images.encoding import Encoding, Loss
from convcli.images.image import Image, Metadata, Pixels
from convcli.images.metadata import upright

if TYPE_CHECKING:
    from convcli.images.frames.frame import Frame, Frames

Encoder: TypeAlias = Callable[[Image, Encoding], bytes]
"""An image that fits, with metadata that are held, and how it is to be stored → a file."""


def _call(module: str, name: str, *arguments: Any) -> Any:
    return getattr(import_module(f"convcli.images.{module}"), name)(*arguments)


def later(module: str, name: str) -> Callable[..., Any]:
    """Return a function of a module of this package, which is imported when the function is called."""
    return partial(_call, module, name)


BY_PILLOW = later("opening", "decode")


@dataclass(frozen=True, eq=False)
class File:
    """An opened file, and how it is to be read.

    Attributes
    ----------
    head, kind, where
        Its first bytes, what they say it is, and its name in messages.
    most
        The pixels it may have.
    threads, luma, damaged, every
        As `read` has them.
    """

    stream: BinaryIO
    head: bytes
    kind: Kind
    where: str
    most: int
    threads: int = 1
    luma: bool = False
    damaged: bool = False
    every: bool = False


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture that is not yet turned upright, with its EXIF orientation; the rest is as in `Image`."""

    pixels: Pixels
    alpha: Pixels | None = None
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    luma_of_colour: bool = False
    nodata: float | None = None

    def upright(self) -> Image:
        """Return it as it is to be looked at."""
        metadata, turn = self.metadata, self.orientation
        if metadata.dpi is not None and turn >= 5:
            metadata = replace(metadata, dpi=metadata.dpi[::-1])
        alpha = None if self.alpha is None else upright(self.alpha, turn)
        pixels = upright(self.pixels, turn)
        return Image(pixels, alpha, metadata, self.notes, self.luma_of_colour, self.nodata)


@dataclass(frozen=True, eq=False)
class Several:
    """How several pictures go into one file of a format.

    Attributes
    ----------
    write
        Called with a stream, open for writing at its beginning, that can be written anywhere; the frames; how
        often they are played; and what makes a frame a file of the format.
    ticks
        Of how many in a second the file counts the time that each is shown; 0 for any, None for no time.
    one_size, one_kind
        Whether all have one size; whether all have alpha if one has, and one dtype.
    any_alpha
        Whether frames may have alpha although a single picture of the format has none.
    """

    write: Callable[[IO[bytes], Iterator[Frame], int, Callable[[Image], bytes]], None]
    ticks: int | None = None
    _: KW_ONLY
    one_size: bool = True
    one_kind: bool = False
    any_alpha: bool = False


@dataclass(frozen=True, eq=False)
class Format:
    """A format that a kind of files is written in, and what it holds: pixels by NumPy's names of dtypes."""

    endings: tuple[str, ...]  # of names of such files; results are given the first
    encode: Encoder
    _: KW_ONLY
    dtypes: tuple[str, ...] | None = ("uint8",)  # None is any
    alpha: bool = False  # beside each of them
    alpha_of: tuple[str, ...] = ()  # beside these alone
    metadata: tuple[str, ...] = ()  # fields of `Metadata`
    loss: Loss = "never"
    beyond: Callable[[Image], Mapping[str, str]] = lambda image: {}
    """What of an image is more than it takes → what to say. A field of `Metadata` is left out then."""
    needs: str = ""  # the module of the extra `formats` without which it is not written
    channels: tuple[int, ...] = (1, 3)  # grey and RGB
    any_channels: bool = False  # besides those
    proposed: bool = False  # where another format cannot hold an image
    several: Several | None = None  # pictures in one file

    @property
    def with_alpha(self) -> tuple[str, ...] | None:
        """The dtypes that it holds with alpha; None is any."""
        return self.dtypes if self.alpha else self.alpha_of

    def holds(self, dtype: str, *, alpha: bool = False, channels: int = 3) -> bool:
        """Whether so many channels of a dtype can be written as they are."""
        held = self.with_alpha if alpha else self.dtypes
        return (held is None or dtype in held) and (channels in self.channels or self.any_channels)

    def has_depth(self, bits: int) -> bool:
        """Whether integers of so many bits can be written, of grey pixels at least."""
        return self.dtypes is None or f"uint{bits}" in self.dtypes


class Read(NamedTuple):
    """What is read of a kind of files, in the words of docs/formats.md, which tests hold to."""

    bits: str = "8 bits"
    colours: str = "grey, RGB"
    alpha: bool = False
    keeps: tuple[str, ...] = ()  # fields of `Metadata`
    needs: str = ""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of image files.

    Attributes
    ----------
    name
        As messages have it; Pillow's, where it opens them.
    magic
        What such files begin with, as a regular expression, or what says so of their first bytes.
    read
        What is read of them.
    pillow
        The module of Pillow that opens them.
    decode, frames
        What reads their first picture; what opens all of them, None where there is one.
    damaged
        Whether they are opened as far as they go.
    read_only
        Endings of names of such files that none is written with.
    formats
        Those that they are written in, by name.
    """

    name: str
    magic: bytes | Callable[[bytes], bool]
    read: Read
    _: KW_ONLY
    pillow: str = ""
    decode: Callable[[File], Decoded] = BY_PILLOW
    frames: Callable[[File], Frames | None] = lambda file: None
    damaged: bool = False
    read_only: tuple[str, ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)

    def begins(self, head: bytes) -> bool:
        """Whether a file with these first bytes is one."""
        if callable(self.magic):
            return self.magic(head)
        return re.match(self.magic, head, re.DOTALL) is not None
