"""WebP frames lie on each other as libwebp lays them, to the last digit."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from convcli.images.frames.webp import parts_of
from images.frames.made import frames_of, pictures


def parted(data, flags):
    """Return a file whose frames have these bits: what is done with them, and how they are laid."""
    changed = bytearray(data)
    place = 0
    for own in flags:
        place = changed.index(b"ANMF", place) + 8
        changed[place + 15] = own
    return bytes(changed)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_frames_are_those_of_libwebp(lossless, seed):
    rng = np.random.default_rng(seed)
    drawn = [PIL.Image.fromarray(pixels) for pixels in pictures(6, (12, 14, 4), seed=seed)]
    for picture in drawn[1:]:  # what is equal to the frame before is not stored
        picture.paste(drawn[0].crop((0, 0, 7, 14)))
    stream = io.BytesIO()
    options = {"minimize_size": True, "lossless": lossless, "duration": [10, 20, 30, 40, 50, 60], "loop": 2}
    drawn[0].save(stream, "WEBP", save_all=True, append_images=drawn[1:], **options)
    count = len(parts_of(stream).parts)
    data = parted(stream.getvalue(), rng.integers(0, 4, count))
    with PIL.Image.open(io.BytesIO(data)) as picture:
        seen, waits = [], []
        for frame in PIL.ImageSequence.Iterator(picture):
            seen.append(np.asarray(frame.convert("RGBA")))
            waits.append(frame.info["duration"])
    story, frames = frames_of(data)
    assert (story.plays, [1000 * frame.seconds for frame in frames]) == (2, waits)
    for own, frame in zip(seen, frames, strict=True):
        alpha = frame.image.alpha
        alpha = np.full(own.shape[:2], 255) if alpha is None else alpha
        np.testing.assert_array_equal(alpha, own[:, :, 3])
        np.testing.assert_array_equal(frame.image.pixels[alpha > 0], own[alpha > 0, :3])
