"""The frames of files that Pillow goes through one by one: AVIF, and JPEG files of several pictures."""

from __future__ import annotations

from fractions import Fraction

from convcli.errors import InputError
from convcli.images import depth
from convcli.images.frames.frame import Frame, Frames, Story
from convcli.images.image import Image, Metadata
from convcli.images.metadata import upright
from convcli.images.opening import Decoded, File, Opened, described
from convcli.images.picture import arrays_of

KINDS = ("AVIF", "JPEG")


class PillowFrames(Frames):
    """The frames of an opened picture."""

    def __init__(self, file: File, picture: Opened, count: int) -> None:
        super().__init__(file.where, file.most)
        self.file, self.picture = file, picture
        animation = file.kind != "JPEG"
        plays = int(picture.info.get("loop") or 0) if animation else None
        self.check_size(picture.height * picture.width, count)
        self.story = Story("animation" if animation else "pages", count, plays, transparent=animation)
        bits = depth.described(file.kind, file.stream).bits if file.kind == "AVIF" else 8
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
        decoded = Decoded(pixels, alpha, metadata=Metadata(None if used else profile))
        decoded = described(file, picture, picture, decoded)
        if alpha is not None and (alpha == 255).all():
            alpha = None
        image = Image(
            upright(pixels, decoded.orientation),
            None if alpha is None else upright(alpha, decoded.orientation),
            decoded.metadata,
            (*converted, *((*decoded.notes, *self._about) if number == 0 else ())),
        )
        if self.story.plays is None:
            return Frame(image)
        milliseconds = picture.info.get("duration") or 0
        return Frame(image, Fraction(milliseconds).limit_denominator(10**6) / 1000)
