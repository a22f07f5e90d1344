"""Files that Pillow opens: no larger than allowed, loaded whole or as far as they go, and what they say."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import PIL.Image
import PIL.ImageFile

from convcli.errors import InputError
from convcli.images.bounds import check_head, check_jpeg, check_pixels
from convcli.images.image import Metadata
from convcli.images.kind import Decoded, File
from convcli.images.metadata import exif_of, resolution
from convcli.images.picture import arrays_of, load_as_far_as_it_goes
from convcli.images.xmp import left_out_of, xmp_of

Opened = PIL.ImageFile.ImageFile


def decode(file: File) -> Decoded:
    """Return the picture in a file of any format that Pillow opens."""
    check_head(file.head, file.most, file.where)
    if file.kind.name == "JPEG":
        check_jpeg(file.stream, file.where)
    return decode_opened(file, open_picture(file))


def open_picture(file: File) -> Opened:
    """Return the stream's first picture, found to be no larger than allowed, not loaded."""
    file.stream.seek(0)
    import_module(f"PIL.{file.kind.pillow}")  # or Pillow would import all that it has
    try:
        picture = PIL.Image.open(file.stream, formats=(file.kind.name,))
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{file.where}: found a {file.kind.name} file that is damaged, cut short or of a kind that "
            "cannot be read."
        ) from error
    check_pixels(picture.height, picture.width, file.most, file.where)
    return picture


def decode_opened(file: File, picture: Opened, notes: tuple[str, ...] = ()) -> Decoded:
    """Return a picture that has been opened, with `notes` and what else there is to say."""
    notes += about_others(file, picture)
    loaded, grey, said = load(file, picture)
    profile = picture.info.get("icc_profile") or None
    pixels, alpha, converted, used = arrays_of(loaded, file.where, file.threads, profile)
    decoded = Decoded(pixels, alpha, metadata=Metadata(None if used else profile), luma_of_colour=grey)
    return described(file, picture, loaded, replace(decoded, notes=(*notes, *said, *converted)))


def about_others(file: File, picture: Opened) -> tuple[str, ...]:
    """Return a note if there are more pictures; counting them all may take long."""
    if getattr(picture, "default_image", False):
        left = "is animated; its default image is used, which is no frame (filter --frames all takes those)."
        return (f"{file.where}: {left}",)
    if file.kind.name == "ICO" and (sizes := len(picture.info.get("sizes", ()))) > 1:
        return (f"{file.where}: has {sizes:,} sizes of its picture; the largest is read.",)
    several = getattr(picture, "is_animated", False)
    return (others_left(file.where),) if several else ()


def others_left(where: str) -> str:
    """Return the note of a file of which the first picture is taken."""
    return f"{where}: has more than one picture; only the first is used (filter --frames all takes all)."


def only_first(where: str) -> str:
    """Return the note of a file of which the first picture is taken, and others cannot be."""
    return f"{where}: has more than one picture; only the first is read."


def described(file: File, picture: Opened, loaded: PIL.Image.Image, decoded: Decoded) -> Decoded:
    """Return a decoded picture with what Pillow knows of it besides its pixels and its profile."""
    exif, orientation, about_exif = exif_of(loaded.getexif, file.where)
    dpi, about_dpi = resolution(picture.info.get("dpi"), file.where)
    xmp, about_xmp = xmp_of(loaded.info.get("xmp"), file.where)
    others = left_out_of(loaded.info, file.kind.name, file.where)
    return replace(
        decoded,
        orientation=orientation,
        metadata=replace(decoded.metadata, dpi=dpi, exif=exif, xmp=xmp),
        notes=(*decoded.notes, *about_exif, *about_dpi, *about_xmp, *others),
    )


def load(
    file: File, picture: Opened, prepared: Callable[[Opened], Opened] = lambda picture: picture
) -> tuple[PIL.Image.Image, bool, tuple[str, ...]]:
    """Return the loaded picture, whether it is the brightness of one that has colours, and what to say.

    `prepared` is done to a picture that has to be opened once more.
    """
    grey = False
    if file.luma and file.kind.name == "JPEG" and picture.mode == "RGB":
        picture.draft("L", None)
        grey = picture.mode == "L"
    try:
        picture.load()
        return picture, grey, ()
    except MemoryError:
        raise
    except Exception:  # what decoders raise where a file is damaged is nearly anything
        if grey:  # a lossless JPEG has no brightness ready
            return load(replace(file, luma=False), open_picture(file))
        if not (file.damaged and file.kind.damaged):
            raise
    progressive = file.kind.name == "JPEG" and picture.info.get("progressive")
    if progressive:  # it has all rows, each time in more detail
        file.stream.seek(0)
        file = replace(file, stream=io.BytesIO(file.stream.read() + b"\xff\xd9"))
    partial, rows = load_as_far_as_it_goes(lambda: prepared(open_picture(file)))
    if rows == 0:
        raise InputError(f"{file.where}: the image is damaged or cut short; none of its rows can be decoded.")
    found = (
        "its rows are all there, but not their details"
        if rows == partial.height
        else f"{rows:,} of {partial.height:,} rows are real, the others black"
    )
    return partial, False, (f"{file.where}: is damaged or cut short: {found}.",)
