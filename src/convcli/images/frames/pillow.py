"""The frames of files that Pillow goes through one by one: AVIF, and JPEG files of several pictures."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from convcli.errors import InputError
from convcli.images import depth
from convcli.images.frames.frame import Frame, Frames, Story
from convcli.images.image import Metadata
from convcli.images.kind import Decoded, File
from convcli.images.opening import Opened, described, open_picture
from convcli.images.picture import arrays_of


def frames_of(file: File) -> Frames | None:
    """Return the frames of a file that Pillow opens; None if it has one picture."""
    picture = open_picture(file)
    count = getattr(picture, "n_frames", 1)
    return PillowFrames(file, picture, count) if count > 1 else None


class PillowFrames(Frames):
    """The frames of an opened picture."""

    def __init__(self, file: File, picture: Opened, count: int) -> None:
        super().__init__(file.where, file.most)
        self.file, self.picture = file, picture
        animation = file.kind.name != "JPEG"
        plays = int(picture.info.get("loop") or 0) if animation else None
        self.check_size(picture.height * picture.width, count)
        self.story = Story("animation" if animation else "pages", count, plays, transparent=animation)
        bits = depth.described("AVIF", file.stream).bits if file.kind.name == "AVIF" else 8
        self._about = (f"{file.where}: {bits} bits a sample are read as 8.",) if bits > 8 else ()

    def _read(self, number: int) -> Frame:
        picture, file = self.picture, self.file
        try:
            picture.seek(number)
            picture.load()
        except EOFError as error:
            raise InputError(f"{self.where}: the image is damaged or cut short.") from error
        profile = picture.info.get("icc_profile") or None
        pixels, alpha, converted, used = arrays_of(picture, file.where, file.threads, profile)
        if alpha is not None and (alpha == 255).all():
            alpha = None
        decoded = Decoded(pixels, alpha, metadata=Metadata(None if used else profile))
        decoded = described(file, picture, picture, decoded)
        notes = (*converted, *((*decoded.notes, *self._about) if number == 0 else ()))
        image = replace(decoded, notes=notes).upright()
        if self.story.plays is None:
            return Frame(image)
        milliseconds = picture.info.get("duration") or 0
        return Frame(image, Fraction(milliseconds).limit_denominator(10**6) / 1000)
