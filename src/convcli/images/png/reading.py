"""PNG files as Pillow decodes them, and what it leaves out: 16 bits, a transparent colour, colour chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.image import Metadata
from convcli.images.kind import Decoded, File
from convcli.images.opening import (
    Opened,
    about_others,
    decode_opened,
    described,
    load,
    open_picture,
)
from convcli.images.picture import parted
from convcli.images.png.chunks import (
    as_mode,
    colour_of,
    deep_modes,
    is_deep,
    joined,
    keyed_alpha,
    without_wrong_checksums,
)


def decode(file: File) -> Decoded:
    """Return the picture in a PNG file."""
    file, picture, notes = _sound(file)
    key = None if picture.mode == "P" else picture.info.pop("transparency", None)
    decoded = (_deep if is_deep(file.head) else decode_opened)(file, picture, notes)
    alpha = decoded.alpha
    if key is not None and alpha is None:
        alpha = keyed_alpha(decoded.pixels, key, file.head)
    return replace(decoded, alpha=alpha, metadata=replace(decoded.metadata, colour=colour_of(file.stream)))


def _sound(file: File) -> tuple[File, Opened, tuple[str, ...]]:
    """Return a file and its picture, without those chunks nobody needs that are damaged."""
    try:
        return file, open_picture(file), ()
    except InputError as error:
        if not isinstance(error.__cause__, PIL.UnidentifiedImageError):
            raise
        stream, left_out = without_wrong_checksums(file.stream)
        if not left_out:
            raise
        names = ", ".join(dict.fromkeys(left_out[:8]))
        file = replace(file, stream=stream)
        note = f"{file.where}: its {names} has a wrong checksum and was left out."
        return file, open_picture(file), (note,)


def _deep(file: File, picture: Opened, notes: tuple[str, ...]) -> Decoded:
    """Return a picture of several channels of 16 bits, as `decode_opened` does others."""
    notes += about_others(file, picture)
    parts: list[NDArray[np.uint8]] = []
    for mode, raw in deep_modes(file.head):

        def prepared(opened: Opened, mode: str = mode, raw: str = raw) -> Opened:
            return as_mode(opened, mode, raw)

        loaded, _, said = load(file, prepared(open_picture(file)), prepared)
        notes += tuple(note for note in said if note not in notes)
        parts.append(np.asarray(loaded))
    pixels, alpha = parted(joined(parts))
    profile = picture.info.get("icc_profile") or None
    return described(file, picture, loaded, Decoded(pixels, alpha, metadata=Metadata(profile), notes=notes))
