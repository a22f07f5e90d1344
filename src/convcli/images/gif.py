"""GIF files: palettes of exactly the colours there are, and animations."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import PIL.Image

from convcli.images.image import Image, Pixels

MOST_COLOURS = 256


def encode_animation(pictures: Iterable[Pixels], seconds: Sequence[float]) -> bytes:
    """Return uint8 pictures (h, w, 3) of one size as a GIF that runs for ever, each shown for its seconds.

    Of each picture only what differs from the one before is kept.
    """
    frames = map(with_palette, pictures)
    stream = io.BytesIO()
    next(frames).save(
        stream,
        "GIF",
        save_all=True,
        append_images=frames,
        duration=[round(1000 * wait) for wait in seconds],
        loop=0,
        disposal=1,  # what is transparent in the next one shows it
        optimize=True,
    )
    return stream.getvalue()


def colours_of(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Return the different colours (n, 3) of uint8 pixels, and the number of each pixel's."""
    if pixels.ndim == 2 or pixels.dtype != np.uint8:
        return np.zeros((1, 3), np.uint8), np.zeros(0, np.uint8)
    whole = np.dstack((pixels, np.zeros(pixels.shape[:2], np.uint8))).view(np.uint32)[:, :, 0]
    values, numbers = np.unique(whole, return_inverse=True)
    return values.view(np.uint8).reshape(-1, 4)[:, :3], numbers.reshape(whole.shape)


def with_few_colours(pixels: Pixels) -> Pixels:
    """Return uint8 pixels (h, w, 3) in at most 256 colours: each colour is always brought to the same one."""
    if len(colours_of(pixels)[0]) <= MOST_COLOURS:
        return pixels
    few = PIL.Image.fromarray(pixels).quantize(
        MOST_COLOURS, PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE
    )
    return np.asarray(few.convert("RGB"))


def with_palette(pixels: Pixels) -> PIL.Image.Image:
    """Return pixels as a picture of at most 256 colours: exactly those there are, if they are no more."""
    if pixels.ndim == 2:
        return PIL.Image.fromarray(pixels)
    colours, numbers = colours_of(pixels)
    if len(colours) > MOST_COLOURS:
        return PIL.Image.fromarray(pixels)  # which Pillow brings down to them
    picture = PIL.Image.fromarray(numbers.astype(np.uint8))
    picture.putpalette(colours.tobytes())
    return picture


def beyond(image: Image) -> dict[str, str]:
    """Return what to say of an image of more colours than a GIF file holds."""
    colours = len(colours_of(image.pixels)[0])
    said = f"its {colours:,} colours become {MOST_COLOURS}: GIF files hold no more."
    return {"pixels": said} if colours > MOST_COLOURS else {}
