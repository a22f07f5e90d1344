"""The first picture of a TIFF file: its samples read here, or by Pillow where it takes them as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import PIL.Image

from convcli.errors import InputError
from convcli.images.image import Metadata, Pixels
from convcli.images.kind import Decoded, File
from convcli.images.metadata import exif_of, nodata_of, resolution
from convcli.images.opening import Opened, open_picture, others_left
from convcli.images.picture import arrays_of
from convcli.images.tiff.directory import Directory, Tag
from convcli.images.tiff.kinds import (
    Photometric,
    is_left_to_pillow,
    is_understood,
    refuse_raw,
    unknown_kind,
)
from convcli.images.tiff.layout import Layout, layout_of
from convcli.images.tiff.pixels import pixels_of
from convcli.images.tiff.samples import read_samples
from convcli.images.xmp import xmp_of

GEO_TAGS = (33550, 33922, 34264, 34735)
"""GeoTIFF's: scale, tie points, transformation, keys."""


def decode(file: File) -> Decoded:
    """Return the first picture of a TIFF file."""
    directory = Directory(file.stream, file.where)
    decoded = decode_page(file, directory, lambda: open_picture(file))
    if directory.following:
        decoded = replace(decoded, notes=(*decoded.notes, others_left(file.where)))
    return decoded


def decode_page(file: File, directory: Directory, opened: Callable[[], Opened]) -> Decoded:
    """Return the picture that a directory describes; `opened` has Pillow open it, where it has to be."""
    where = file.where
    refuse_raw(directory)
    layout = layout_of(directory, file.most)
    profile = (directory.raw(Tag.ICC_PROFILE) or None) if Tag.ICC_PROFILE in directory else None
    pixels, alpha, notes, used = _pixels(file, directory, layout, profile, opened)
    if any(tag in directory for tag in GEO_TAGS):
        notes.append(f"{where}: its place on the map (GeoTIFF's tags) was left out.")
    exif, _, about_exif = exif_of(lambda: _exif(directory), where)
    per_inch = {2: 1.0, 3: 2.54}.get(directory.number(Tag.RESOLUTION_UNIT, 2), 0.0)
    across, down = (directory.ratio(tag) for tag in (Tag.X_RESOLUTION, Tag.Y_RESOLUTION))
    dpi, about_dpi = resolution(((across or 0) * per_inch, (down or 0) * per_inch), where)
    xmp, about_xmp = xmp_of(directory.raw(Tag.XMP) if Tag.XMP in directory else None, where)
    if Tag.IPTC in directory:
        notes.append(f"{where}: left out: its IPTC data.")
    nodata, about_nodata = nodata_of(directory.text(Tag.NODATA), where)
    orientation = directory.number(Tag.ORIENTATION, 1)
    if not is_understood(layout):  # Pillow has turned it, and says the resolution as it is stored
        dpi, orientation = (dpi[::-1] if dpi and orientation in (5, 6, 7, 8) else dpi), 1
    return Decoded(
        pixels,
        alpha,
        orientation if 1 <= orientation <= 8 else 1,
        Metadata(None if used else profile, dpi, exif, xmp=xmp),
        (*notes, *about_exif, *about_dpi, *about_xmp, *about_nodata),
        nodata=nodata,
    )


def _pixels(
    file: File, directory: Directory, layout: Layout, profile: bytes | None, opened: Callable[[], Opened]
) -> tuple[Pixels, Pixels | None, list[str], bool]:
    """Return pixels and alpha, what to say of them, and whether the profile has been used up."""
    if not is_understood(layout):
        if not is_left_to_pillow(layout):
            raise InputError(f"{file.where}: {unknown_kind(layout)}")
        picture = opened()
        picture.load()
        return arrays_of(picture, file.where, file.threads, profile)
    samples = read_samples(file.stream, layout, file.where)
    pixels, alpha, notes = pixels_of(samples, layout, directory, every=file.every)
    if layout.photometric != Photometric.SEPARATED:
        return pixels, alpha, notes, False
    ink = PIL.Image.fromarray(pixels, "CMYK")
    pixels, _, said, used = arrays_of(ink, file.where, file.threads, profile)
    return pixels, alpha, [*notes, *said], used


def _exif(directory: Directory) -> PIL.Image.Exif:
    """Return the tags of a TIFF file as Pillow has them; none of those that it cannot find its way in."""
    exif = PIL.Image.Exif()
    if directory.big and directory.order == ">":
        return exif
    exif.bigtiff = directory.big
    exif.endian = directory.order
    exif.load_from_fp(directory.stream, directory.offset)
    return exif
