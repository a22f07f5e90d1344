"""What a file's ImageDescription says: a person's words, or a program's of pages and sizes."""

from __future__ import annotations

import json

_BEGINNINGS = {
    "ImageJ=": "ImageJ's",
    "SCIFIO=": "SCIFIO's",
    "shape=(": "tifffile's",
    "Aperio ": "Aperio's",
    "[Acquisition Parameters]": "FluoView's",
    "SI.": "ScanImage's",
    "state.": "ScanImage's",
}


def program_of(description: object) -> str | None:
    """Return whose words a description is if a program wrote it, None if a person did.

    A program describes what is in the file: how many pages, channels, of which size, between which values.
    That is not true of other pixels, and readers that take its word for it fail.

    >>> program_of("ImageJ=1.53k\\nimages=5\\nslices=5"), program_of('{"shape": [5, 32, 32]}')
    ("ImageJ's", "tifffile's")
    >>> program_of("the harbour, seen from the sea")
    """
    text = str(description).lstrip("\ufeffï»¿ \t\r\n")  # its mark of UTF-8, as it is or read as Latin-1
    for beginning, whose in _BEGINNINGS.items():
        if text.startswith(beginning):
            return whose
    if text.startswith("<"):
        return "OME's" if "<OME" in text else "an XML document"
    if text.startswith("{"):
        return "tifffile's" if '"shape"' in text else "a JSON document"
    return None


def says_shape_only(description: object) -> bool:
    """Whether it is tifffile's, and says nothing that the file itself does not say of its pixels."""
    try:
        return set(json.loads(str(description))) == {"shape"}
    except (ValueError, TypeError, RecursionError):
        return False
