"""Which TIFF files are read, and by whom: here, by Pillow, or by nobody; then what to say.

Pillow opens what has 8 bits a sample, and little else; of the rest it misreads some.

Source: TIFF 6.0 (Adobe, 1992): PhotometricInterpretation, Compression; libtiff's tiff.h.
"""

from __future__ import annotations

from enum import IntEnum

from convcli.errors import InputError
from convcli.images.tiff.directory import Directory, Tag
from convcli.images.tiff.layout import Layout
from convcli.images.tiff.samples import READABLE


class Photometric(IntEnum):
    """What samples stand for."""

    WHITE_IS_ZERO = 0
    BLACK_IS_ZERO = 1
    RGB = 2
    PALETTE = 3
    SEPARATED = 5
    YCBCR = 6
    LAB = 8


COLOURS = {
    Photometric.WHITE_IS_ZERO: 1,
    Photometric.BLACK_IS_ZERO: 1,
    Photometric.RGB: 3,
    Photometric.PALETTE: 1,
    Photometric.SEPARATED: 4,
}
"""Samples of a pixel, alpha and others left out."""

_COLOUR_FILTER, _LINEAR_RAW, _LOG_LUMINANCE, _LOG_COLOUR = 32803, 34892, 32844, 32845
_COMPRESSIONS = {
    6: "JPEG (old style)",
    7: "JPEG",
    9: "JBIG",
    10: "JBIG",
    32766: "NeXT",
    32809: "ThunderScan",
    34661: "JBIG",
    34676: "LogLuv",
    34677: "LogLuv",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    34892: "JPEG",
    34933: "PNG",
    50001: "WebP",
    34934: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_PHOTOMETRICS = {
    4: "a transparency mask",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    _LOG_LUMINANCE: "LogL",
    _LOG_COLOUR: "LogLuv",
}
_FAX, _OLD_JPEG, _JPEG = (2, 3, 4), 6, 7
_MAKERS = {"nikon": "Nikon NEF", "sony": "Sony ARW", "canon": "Canon CR2", "pentax": "Pentax PEF"}


def is_understood(layout: Layout) -> bool:
    """Whether samples are read here: bytes are compressed as such, and what they stand for is known."""
    if layout.compression not in READABLE or layout.photometric not in COLOURS:
        return False
    return layout.photometric != Photometric.SEPARATED or (layout.bits, layout.kind) in ((8, "u"), (16, "u"))


def is_left_to_pillow(layout: Layout) -> bool:
    """Whether Pillow decodes a picture as it is: photos in JPEG, faxes, and colours it converts."""
    if layout.compression in _FAX:
        return layout.bits == 1
    if layout.bits != 8 or layout.kind != "u":
        return False
    known = (*COLOURS, Photometric.YCBCR, Photometric.LAB)
    return layout.compression in (*READABLE, _OLD_JPEG, _JPEG) and layout.photometric in known


def unknown_kind(layout: Layout) -> str:
    """Return the end of an error that says of what kind a picture is that cannot be read, and what to do."""
    advice = "open it with a program that reads it, and save it uncompressed or with LZW."
    if layout.photometric in (_LOG_LUMINANCE, _LOG_COLOUR):
        return f"a LogLuv-encoded TIFF file cannot be read; {advice}"
    if layout.compression in READABLE or layout.compression in _FAX:
        what = _PHOTOMETRICS.get(layout.photometric)
        if what is None and layout.photometric in tuple(Photometric):
            what = Photometric(layout.photometric).name.lower()
        what = what or f"colours of kind {layout.photometric}"
        return f"a TIFF file of {what}, {layout.bits} bits a sample, cannot be read; save it as RGB or grey."
    name = _COMPRESSIONS.get(layout.compression, f"compression {layout.compression}")
    return f"a TIFF file in {name}, {layout.bits} bits a sample, cannot be read; {advice}"


def refuse_raw(directory: Directory) -> None:
    """Raise `InputError` for a camera's raw file, in which the first picture is a thumbnail."""
    maker = directory.text(Tag.MAKE).lower()
    name = next((name for word, name in _MAKERS.items() if word in maker), "")
    reduced = directory.number(Tag.SUBFILE, 0) & 1
    inner = [directory, *directory.inner()]
    if Tag.DNG_VERSION in directory:
        name = "DNG"
    elif any(one.number(Tag.PHOTOMETRIC, 1) in (_COLOUR_FILTER, _LINEAR_RAW) for one in inner):
        name = name or "TIFF"
    elif not (reduced and (len(inner) > 1 or directory.following)):
        return
    elif not name:
        raise InputError(
            f"{directory.where}: its first picture is only a smaller version of another; save that one alone."
        )
    raise InputError(
        f"{directory.where}: a camera's raw file ({name}) has to be developed; save it as TIFF or JPEG."
    )
