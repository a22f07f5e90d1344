"""What several pictures hold goes into a file and comes out of it, frame by frame; Pillow sees the same."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from convcli.errors import InputError, OutputError
from convcli.images import Image, read
from convcli.images.frames import WRITERS, Frame
from convcli.images.frames import frame as limits
from images.frames.made import frames_of, pictures, written

TIMED = [name for name, writer in WRITERS.items() if writer.ticks is not None]
SECONDS = [Fraction(1, 25), Fraction(3, 10), Fraction(2)]


def few_colours(count, **options):
    return [pixels // 128 * 127 for pixels in pictures(count, **options)]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("shape", [(8, 11, 3), (8, 11)])
def test_frames_come_back_as_they_were_written(name, shape):
    drawn = few_colours(3, shape=shape)
    story, frames = frames_of(written(drawn, name))
    assert story.count == 3
    for pixels, frame in zip(drawn, frames, strict=True):
        if name == "webp" and pixels.ndim == 2:  # which knows no grey
            pixels = np.dstack([pixels] * 3)
        np.testing.assert_array_equal(frame.image.pixels, pixels)
        assert frame.image.alpha is None


@pytest.mark.parametrize("name", WRITERS)
def test_transparency_comes_back(name):
    alphas = [alpha // 128 * 255 for alpha in pictures(3, shape=(8, 11), seed=1)]
    images = [Image(pixels, alpha) for pixels, alpha in zip(few_colours(3), alphas, strict=True)]
    _, frames = frames_of(written(images, name))
    for image, frame in zip(images, frames, strict=True):
        np.testing.assert_array_equal(frame.image.alpha, image.alpha)
        seen = image.alpha > 0
        np.testing.assert_array_equal(frame.image.pixels[seen], image.pixels[seen])


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("plays", [0, 1, 4])
def test_an_animation_keeps_its_time_and_how_often_it_plays(name, plays):
    drawn = few_colours(3)
    frames = [Frame(Image(pixels), seconds) for pixels, seconds in zip(drawn, SECONDS, strict=True)]
    story, back = frames_of(written(frames, name, plays))
    assert story.plays == plays
    assert [frame.seconds for frame in back] == SECONDS


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "npy"])
def test_pillow_sees_the_same_frames(name):
    drawn = few_colours(4)
    picture = PIL.Image.open(io.BytesIO(written(drawn, name)))
    seen = [np.asarray(frame.convert("RGB")) for frame in PIL.ImageSequence.Iterator(picture)]
    np.testing.assert_array_equal(seen, drawn)


def test_an_animated_png_has_sixteen_bits():
    drawn = pictures(3, dtype=np.uint16)
    _, frames = frames_of(written(drawn, "png"))
    np.testing.assert_array_equal([frame.image.pixels for frame in frames], drawn)


def test_pages_may_differ_in_size_and_dtype_as_tifffile_reads_them():
    tifffile = pytest.importorskip("tifffile")
    pages = [*pictures(1), *pictures(1, (5, 7), np.uint16), np.linspace(0, 1, 12, dtype="f4").reshape(3, 4)]
    data = written(pages, "tiff")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        seen = [page.asarray() for page in file.pages]
    story, frames = frames_of(data)
    assert story.kind == "pages"
    for page, other, frame in zip(pages, seen, frames, strict=True):
        np.testing.assert_array_equal(other, page)
        np.testing.assert_array_equal(frame.image.pixels, page)
        assert frame.image.pixels.dtype == other.dtype == page.dtype


def test_tifffiles_pages_are_read():
    tifffile = pytest.importorskip("tifffile")
    stack = np.stack(pictures(3, (6, 5), np.uint16))
    stream = io.BytesIO()
    tifffile.imwrite(stream, stack, photometric="minisblack", compression="zlib")
    _, frames = frames_of(stream.getvalue())
    np.testing.assert_array_equal([frame.image.pixels for frame in frames], stack)


@pytest.mark.parametrize(
    ("kind", "options", "story"),
    [("AVIF", {"duration": 40, "quality": 100}, ("animation", 3, 0)), ("MPO", {}, ("pages", 3, None))],
)
def test_pillows_own_sequences_are_read_as_pillow_reads_them(kind, options, story):
    drawn = [PIL.Image.fromarray(pixels) for pixels in pictures(3, (48, 64, 3))]
    stream = io.BytesIO()
    drawn[0].save(stream, kind, save_all=True, append_images=drawn[1:], **options)
    found, frames = frames_of(stream.getvalue() + bytes(64))  # Pillow looks for the end of a JPEG beyond it
    assert (found.kind, found.count, found.plays) == story
    assert {frame.seconds for frame in frames} == {Fraction(1, 25) if kind == "AVIF" else None}
    for frame, own in zip(frames, PIL.ImageSequence.Iterator(PIL.Image.open(stream)), strict=False):
        np.testing.assert_array_equal(frame.image.pixels, np.asarray(own.convert("RGB")))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_stack_is_read_image_by_image_in_any_order(order):
    stack = np.asarray(np.stack(pictures(4)), order=order)
    stream = io.BytesIO()
    np.save(stream, stack)
    story, frames = frames_of(stream.getvalue())
    assert (story.kind, story.count, story.plays) == ("stack", 4, None)
    np.testing.assert_array_equal([frame.image.pixels for frame in frames], stack)


@pytest.mark.parametrize("name", WRITERS)
def test_frames_are_had_in_any_order(name):
    from convcli.images.frames import frames_in

    drawn = few_colours(4)
    with frames_in(io.BytesIO(written(drawn, name))) as frames:
        for number in (2, 0, 3, 1, 1):
            np.testing.assert_array_equal(frames.read(number).image.pixels, drawn[number])


@pytest.mark.parametrize(("name", "what"), [("gif", "8 × 11"), ("png", "8 × 11"), ("npy", "8 × 11")])
def test_frames_of_different_sizes_are_refused_where_a_file_has_one(name, what):
    with pytest.raises(OutputError, match=f"frame 2 has 5 × 7 pixels, the first one {what}.*tif"):
        written([*pictures(1), *pictures(1, (5, 7, 3))], name)


@pytest.mark.parametrize("name", ["jpeg", "bmp"])
def test_a_format_of_one_picture_is_refused_by_name(name):
    with pytest.raises(OutputError, match=f"{name.upper()} files are written with one picture"):
        written(pictures(2), name)


def test_a_gif_refuses_what_is_transparent_in_part():
    alpha = np.full((8, 11), 127, np.uint8)
    with pytest.raises(OutputError, match="transparent in part"):
        written([Image(pixels, alpha) for pixels in pictures(2)], "gif")


def test_a_file_of_one_picture_has_no_frames():
    from convcli.images.frames import frames_in

    stream = io.BytesIO()
    PIL.Image.fromarray(pictures(1)[0]).save(stream, "PNG")
    with frames_in(io.BytesIO(stream.getvalue())) as frames:
        assert frames is None


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "npy"])
def test_frames_that_are_too_many_together_are_refused_before_any_is_decoded(name, monkeypatch):
    data = written(few_colours(4), name)
    monkeypatch.setattr(limits, "TIMES_ALL", 2)
    if name == "tiff":  # of pages that differ, it is seen on the way
        monkeypatch.setattr("convcli.images.frames.tiff.TIMES_ALL", 2)
    with pytest.raises(InputError, match="are more than the 176 that are opened"):
        frames_of(data, max_pixels=88)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_short_gives_the_frames_before_or_an_error_and_nothing_else(name):
    from convcli.images.frames import frames_in

    drawn = few_colours(4)
    data = written(drawn, name)
    for size in range(0, len(data), 7):
        try:
            with frames_in(io.BytesIO(data[:size])) as frames:
                for number in range(frames.story.count if frames else 0):
                    np.testing.assert_array_equal(frames.read(number).image.pixels, drawn[number])
        except InputError:
            pass


def test_directories_that_go_round_are_an_error():
    data = bytearray(written(pictures(2), "tiff"))
    first = int.from_bytes(data[4:8], "little")
    second = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    place = int.from_bytes(data[second : second + 4], "little")
    end = place + 2 + 12 * int.from_bytes(data[place : place + 2], "little")
    data[end : end + 4] = data[4:8]
    with pytest.raises(InputError, match="in a circle"):
        frames_of(bytes(data))


@pytest.mark.parametrize("count", [1, 2])
def test_a_default_image_that_is_no_frame_is_said_to_be_left_out(count):
    stream, frames = io.BytesIO(), [PIL.Image.fromarray(pixels) for pixels in pictures(count + 1)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:], default_image=True)
    story, found = frames_of(stream.getvalue())
    assert (story.count, len(found)) == (count, count)
    for frame, picture in zip(found, frames[1:], strict=True):
        np.testing.assert_array_equal(frame.image.pixels, np.asarray(picture))
        assert any("its default image is no frame and is left out" in note for note in frame.image.notes)
    single = read(io.BytesIO(stream.getvalue()))
    np.testing.assert_array_equal(single.pixels, np.asarray(frames[0]))
    assert "its default image is used, which is no frame" in single.notes[0]
