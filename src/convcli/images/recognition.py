"""What kind of file one is by its first bytes, and what else it looks like."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

from convcli.errors import InputError
from convcli.images.kind import Kind
from convcli.images.kinds import KINDS

_RAW = "a camera's raw file ({}), which has to be developed; save it as TIFF or JPEG"
_OTHERS = {
    rb"II\*\0.{4}CR": _RAW.format("Canon CR2"),
    rb".{6}HEAPCCDR": _RAW.format("Canon CRW"),
    rb".{4}ftypcrx": _RAW.format("Canon CR3"),
    rb"II(RO|RS)|MMOR": _RAW.format("Olympus ORF"),
    rb"IIU\0": _RAW.format("Panasonic RW2"),
    rb"FUJIFILMCCD-RAW": _RAW.format("Fujifilm RAF"),
    rb"\0MRM": _RAW.format("Minolta MRW"),
    rb"FOVb": _RAW.format("Sigma X3F"),
    rb".{4}ftyp": "a film, or another file in its container",
    rb"SIMPLE  =": "a FITS file",
    rb"\x89HDF": "an HDF5 file",
    rb"%PDF": "a PDF document",
    rb"PK\x03\x04": "a ZIP archive",
}
"""What files begin with that are no images, or none that are read → what they are."""


def kind_of(head: bytes, where: str) -> Kind:
    """Return the kind that a file's first bytes say, or raise `InputError` that says what was found."""
    if not head:
        raise InputError(f"{where}: expected an image, found nothing (0 bytes).")
    for kind in KINDS:
        if kind.begins(head):
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise InputError(f"{where}: expected an image ({names}), found {_found(head)}.")


def _found(head: bytes) -> str:
    """Say what a file that begins with `head` looks like, for a message about what it is not."""
    for magic, what in _OTHERS.items():
        if re.match(magic, head, re.DOTALL):
            return what
    with suppress(UnicodeDecodeError):
        # The incremental decoder forgives a character that the cut has parted.
        text = " ".join(codecs.getincrementaldecoder("utf-8")().decode(head).split())
        if text.isprintable():
            return f"text ({text[:20]!r} …)"
    return f"other data (beginning with {head[:4].hex(' ')})"
