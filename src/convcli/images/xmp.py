"""XMP, and the words of other kinds that files carry: what stays true of other pixels, and what is left out.

Source: ISO 16684-1 (XMP): an RDF document, whose simple properties are attributes or elements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from convcli.wording import shortened, shown

MOST_BYTES = 2**22
"""More than any program writes; what is longer holds pictures."""

_NAMES = rb"(?:tiff:(?:Orientation|ImageWidth|ImageLength)|exif:Pixel[XY]Dimension)"
_STALE = re.compile(
    rb"\s" + _NAMES + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')|<(" + _NAMES + rb")(?:\s[^<>]*)?>[^<]*</\1\s*>"
)
_THUMBNAILS = re.compile(rb"<xmp:Thumbnails\b.*?</xmp:Thumbnails\s*>", re.DOTALL)
_IPTC = 0x0404  # Photoshop's number for it
_OF_THE_FILE = ("date:", "Thumb::", "Software", "Raw profile type", "XML:com.adobe.xmp", "signature")


def xmp_of(found: object, where: str) -> tuple[bytes | None, list[str]]:
    """Return the XMP that stays true of other pixels: without orientation, sizes and thumbnails; and notes.

    >>> xmp_of(b'<x:xmpmeta tiff:Orientation="6" dc:title="A">', "a.jpg")
    (b'<x:xmpmeta dc:title="A">', [])
    """
    if isinstance(found, str):
        found = found.encode("utf-8", "replace")
    if not isinstance(found, bytes) or not found.strip(b"\0 \r\n\t"):
        return None, []
    if len(found) > MOST_BYTES:
        return None, [f"{where}: its XMP data of {len(found):,} bytes are more than are kept; left out."]
    if b"<" not in found or b"\0" in found.rstrip(b"\0"):
        return None, [f"{where}: its XMP data are damaged and were left out."]
    return _STALE.sub(b"", _THUMBNAILS.sub(b"", found.rstrip(b"\0"))), []


def left_out_of(info: Mapping[Any, Any], kind: str, where: str) -> list[str]:
    """Return a note on the words that have no place in a result: IPTC, comments, a PNG file's texts.

    What tells of the file, and not of what is seen, is left out without a word.
    """
    words = []
    photoshop = info.get("photoshop")
    if isinstance(photoshop, dict) and _IPTC in photoshop:
        words.append("IPTC data")
    if info.get("comment") and kind in ("JPEG", "GIF"):
        words.append("comment")
    texts = [key for key, value in info.items() if isinstance(value, str) and kind == "PNG"]
    if keys := [key for key in texts if not key.startswith(_OF_THE_FILE)]:
        words.append(f"texts ({shown(shortened(', '.join(keys[:8])))})")
    return [f"{where}: left out: its {' and '.join(words)}."] if words else []
