"""An animation shows every picture as it is, where the colours of a GIF suffice."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image

from convcli.images import encode_animation


def frames(data):
    picture = PIL.Image.open(io.BytesIO(data))
    for n in range(getattr(picture, "n_frames", 1)):
        picture.seek(n)
        yield np.asarray(picture.convert("RGB")), dict(picture.info)


def changing(rng, count):
    """Return pictures of which each differs in a square from the one before."""
    pictures = [np.full((20, 30, 3), 255, np.uint8)]
    while len(pictures) < count:
        pictures.append(pictures[-1].copy())
        row, column = rng.integers(0, 15), rng.integers(0, 25)
        pictures[-1][row : row + 5, column : column + 5] = rng.integers(0, 256, 3)
    return pictures


def test_every_frame_is_its_picture_stays_its_time_and_comes_again():
    pictures = changing(np.random.default_rng(0), 6)
    shown = list(frames(encode_animation(pictures, [0.5] * 5 + [3])))
    np.testing.assert_array_equal([pixels for pixels, _ in shown], pictures)
    assert [info["duration"] for _, info in shown] == [500] * 5 + [3000]
    assert all(info["loop"] == 0 for _, info in shown)


def test_what_stays_takes_no_room():
    still, crowd = np.zeros((200, 200, 3), np.uint8), np.random.default_rng(0).integers(0, 255, (200, 200, 1))
    still[...] = crowd
    moved = still.copy()
    moved[:5, :5] = 255
    assert len(encode_animation([still, moved], [1, 1])) < 1.1 * len(encode_animation([still], [1]))


def test_a_frame_of_more_colours_than_a_table_holds_comes_near():
    rng = np.random.default_rng(0)
    flat = np.full((20, 30, 3), 255, np.uint8)
    crowded = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    (_, _), (pixels, _) = frames(encode_animation([flat, crowded], [0.5, 1]))
    assert np.abs(pixels.astype(int) - crowded).mean() < 20
