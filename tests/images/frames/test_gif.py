"""GIF frames lie on each other as browsers have them, and are stored as small as they differ."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from convcli.errors import InputError
from convcli.images.frames import frame as limits
from images.frames.made import frames_of, gif, pictures, written

FULL = [[1] * 4] * 3
KEEP, CLEAR, RESTORE = 1, 2, 3


def shown(parts, **options):
    """Return the numbers of colours that are seen, −1 for nothing, frame by frame."""
    _, frames = frames_of(gif(parts, **options))
    for frame in frames:
        numbers = frame.image.pixels[:, :, 0].astype(int) // 3
        yield numbers if frame.image.alpha is None else np.where(frame.image.alpha > 0, numbers, -1)


@pytest.mark.parametrize(
    ("after", "left_over"),
    [(0, [[1, 2, 2, 1]] * 2 + [[1] * 4]), (KEEP, [[1, 2, 2, 1]] * 2 + [[1] * 4]),
     (CLEAR, [[1, -1, -1, 1]] * 2 + [[1] * 4]), (RESTORE, FULL)],
)  # fmt: skip
def test_a_frame_is_left_cleared_or_taken_away_before_the_next(after, left_over):
    square = [[2, 2], [2, 2]]
    first, second, third = shown(
        [(FULL, 0, 0, None, KEEP, 5), (square, 1, 0, None, after, 5), ([[3]], 3, 2, 3, KEEP, 5)]
    )
    np.testing.assert_array_equal(first, FULL)
    np.testing.assert_array_equal(second, [[1, 2, 2, 1]] * 2 + [[1] * 4])
    np.testing.assert_array_equal(third, left_over)


def test_what_is_transparent_shows_the_frame_before():
    (_, second) = shown([(FULL, 0, 0, None, KEEP, 5), ([[0, 2], [2, 0]], 0, 0, 0, KEEP, 5)])
    np.testing.assert_array_equal(second, [[1, 2, 1, 1], [2, 1, 1, 1], [1] * 4])


def test_what_no_frame_covers_is_transparent():
    (first, _) = shown([([[2, 2]], 1, 1, None, KEEP, 5), ([[3]], 0, 0, None, KEEP, 5)])
    np.testing.assert_array_equal(first, [[-1] * 4, [-1, 2, 2, -1], [-1] * 4])


def test_a_part_beyond_the_canvas_is_cut_off():
    (_, second) = shown([(FULL, 0, 0, None, KEEP, 5), ([[2, 3], [2, 3]], 3, 2, None, KEEP, 5)])
    np.testing.assert_array_equal(second, [[1] * 4, [1] * 4, [1, 1, 1, 2]])


def test_pillow_agrees_where_nothing_is_cleared():
    rng = np.random.default_rng(0)
    parts = [(rng.integers(0, 4, (3, 4)), 0, 0, None, KEEP, 5)]
    for _ in range(12):
        size = rng.integers(1, 4), rng.integers(1, 5)
        left, top = rng.integers(0, 5 - size[1]), rng.integers(0, 4 - size[0])
        parts.append((rng.integers(0, 4, size), left, top, rng.choice([None, 2]), rng.choice([1, 3]), 5))
    data = gif(parts)
    picture = PIL.Image.open(io.BytesIO(data))
    seen = [np.asarray(frame.convert("RGB"))[:, :, 0] // 3 for frame in PIL.ImageSequence.Iterator(picture)]
    np.testing.assert_array_equal(seen, list(shown(parts)))


@pytest.mark.parametrize(("stored", "plays"), [(None, 1), (0, 0), (3, 4)])
def test_how_often_it_plays_is_once_more_than_it_repeats(stored, plays):
    parts = [(FULL, 0, 0, None, KEEP, 5)] * 2
    story, frames = frames_of(gif(parts, plays=stored))
    assert story.plays == plays
    assert frames[0].seconds == Fraction(1, 20)


def test_what_stays_takes_no_room():
    still = pictures(1, (200, 200, 1), seed=3)[0].repeat(3, axis=2)
    moved = still.copy()
    moved[:5, :5] = 255
    assert len(written([still, moved, still], "gif")) < 1.1 * len(written([still, still], "gif"))


def test_frames_of_many_colours_come_near_and_what_is_seen_through_stays():
    crowded = pictures(2, (40, 50, 3))
    _, frames = frames_of(written(crowded, "gif"))
    for pixels, frame in zip(crowded, frames, strict=True):
        assert np.abs(frame.image.pixels.astype(int) - pixels).mean() < 20


def test_a_million_frames_are_refused_by_their_number(monkeypatch):
    monkeypatch.setattr("convcli.images.frames.gif.MOST_FRAMES", 3)
    monkeypatch.setattr(limits, "MOST_FRAMES", 3)
    with pytest.raises(InputError, match="4 frames are more than the 3 that are read of a file"):
        frames_of(gif([([[1]], 0, 0, None, KEEP, 5)] * 9))
