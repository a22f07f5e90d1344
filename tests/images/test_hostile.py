"""Malformed and hostile image files end in an image or one clear error, and need little memory for it."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from convcli.bounds import MAX_PIXELS
from convcli.data.presentation import Presentation
from convcli.errors import InputError
from convcli.images import Image, encode, read, sources
from convcli.images.bounds import MOST_SCANS
from convcli.images.png.chunks import chunk

ROOT = Path(__file__).parent.parent.parent
GREY = np.arange(63, dtype=np.uint8).reshape(7, 9)
# In some small files the image is sound, and what asks for much is passed over; others are refused.
HARMLESS = {
    "png": {"pixels without end", "100,000 chunks", "billions of pictures", "tags on the same data"},
    "jpeg": {"tags on the same data"},
    "tiff": {"20,000 pages", "a page that follows itself"},
    "gif": {"100,000 comments", "50,000 pictures"},
}
REFUSED = {
    "png": {"a huge size", "no rows", "no columns", "a profile of 64 MB", "texts of 200 MB"},
    "jpeg": {
        "a huge size",
        "no rows",
        "50,000 segments of EXIF",
        "50,000 segments of comments",
        "5,000 scans",
    },
    "tiff": {"a huge size", "a tile larger than its image", "tags on the same data", "many samples a pixel"},
    "webp": {"a huge size", "a huge canvas"},
    "gif": {"a huge size", "a huge frame", "no rows"},
    "bmp": {"a huge size", "no rows", "sizes below zero"},
    "npy": {"a lying header", "no numbers", "a huge header"},
}
PLAIN_DAMAGE = {
    "cut short",
    "a byte of the header",
    "a lying size",
    "flipped bytes",
    "spliced",
    "a chunk with the right check sum",
    "chunks in another order",
}


def saved(picture, format, **options):  # noqa: A002
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
@pytest.mark.parametrize("kind", REFUSED)
def test_malformed_files_end_in_an_image_or_one_clear_error_within_little_memory(kind):
    command = [sys.executable, "-m", "reliability.images", kind, "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    came = json.loads(done.stdout)
    assert came["findings"] == []
    assert came["files"] > 200
    assert sum(came["images"].values()) + sum(came["refused"].values()) == came["files"]
    assert set(came["images"]) - PLAIN_DAMAGE == HARMLESS.get(kind, set())
    assert set(came["refused"]) - PLAIN_DAMAGE == REFUSED[kind]
    assert came["images"]["flipped bytes"]
    assert came["refused"]["cut short"] > came["images"].get("cut short", 0)
    assert came["grown_mib"] < 128


@pytest.mark.parametrize("kind", REFUSED)
def test_limit_is_the_most_pixels_that_are_opened(kind, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(encode(Image(GREY), kind))
    assert read(path, max_pixels=63).pixels.shape[:2] == (7, 9)
    assert Presentation().read(path, max_pixels=63)[0].shape[:2] == (7, 9)
    for reader in (read, Presentation().read):
        with pytest.raises(
            InputError, match=r"7 × 9 pixels are more than the 62 that are opened.*--max-pixels"
        ):
            reader(path, max_pixels=62)


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "npy"])
def test_size_is_looked_at_before_anything_is_decoded(kind, tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("decoded")

    path = tmp_path / "image"
    path.write_bytes(encode(Image(GREY), kind))
    monkeypatch.setattr(PIL.Image.Image, "load", fail)
    monkeypatch.setattr("convcli.images.tiff.reading.read_samples", fail)
    with pytest.raises(InputError, match="more than the 62"):
        read(path, max_pixels=62, threads=2)


def test_a_webp_canvas_is_looked_at_before_pillow_opens_it(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "open", lambda *_, **__: pytest.fail("opened"))
    for mode in ("RGB", "RGBA"):
        for options in ({"lossless": True}, {}, {"icc_profile": b"x" * 200}):
            path = tmp_path / "image.webp"
            path.write_bytes(saved(PIL.Image.new(mode, (9, 7)), "webp", **options))
            with pytest.raises(InputError, match="7 × 9 pixels are more than the 62"):
                read(path, max_pixels=62)


def test_more_may_be_allowed_than_pillow_does(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    for kind in ("png", "webp", "tiff", "gif"):
        path = tmp_path / f"image.{kind}"
        path.write_bytes(encode(Image(GREY), kind))
        assert read(path, max_pixels=63).notes == ()
    assert PIL.Image.MAX_IMAGE_PIXELS == 10


def test_photos_of_today_are_below_the_limit():
    assert MAX_PIXELS >= 9504 * 6336  # 60 megapixels


@pytest.mark.parametrize("encoder", ["jpeg", "progressive", "cmyk", "exif", "restarts"])
def test_usual_jpegs_have_fewer_scans_and_segments_than_are_allowed(encoder, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    picture = PIL.Image.fromarray(noise)
    options = {
        "progressive": {"progressive": True},
        "exif": {"exif": b"Exif\0\0" + bytes(60_000), "icc_profile": bytes(500_000)},
        "restarts": {"restart_marker_rows": 1},
    }
    picture = picture.convert("CMYK") if encoder == "cmyk" else picture
    data = saved(picture, "jpeg", quality=95, **options.get(encoder, {}))
    trailer = b"\xff\xda\0\2" * (MOST_SCANS + 1)  # a film behind the photo, as phones write it
    (tmp_path / "photo.jpg").write_bytes(data + trailer)
    assert read(tmp_path / "photo.jpg").pixels.shape == noise.shape


def endless(head, *, piece=2**16):
    """Return a pipe that begins with `head` and never ends, and what closes it."""
    out, into = os.pipe()

    def write():
        with open(into, "wb", buffering=0) as pipe:  # noqa: PTH123
            try:
                pipe.write(head)
                while True:
                    pipe.write(bytes(piece))
            except BrokenPipeError:
                pass

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    return open(out, "rb"), writer  # noqa: PTH123


def test_a_pipe_that_never_ends_is_left_where_no_image_begins():
    stream, writer = endless(b"")
    with stream, pytest.raises(InputError, match="standard input: expected an image"):
        read(stream)
    writer.join()


def test_a_pipe_is_taken_only_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(sources, "MOST_PIPED", 2**21)
    stream, writer = endless(encode(Image(GREY), "png"))
    with stream, pytest.raises(InputError, match="standard input: more than 2 MiB; save it and give"):
        read(stream)
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
def test_devices_are_refused_unread(tmp_path):
    (tmp_path / "link.png").symlink_to("/dev/zero")
    for path in (Path("/dev/zero"), Path("/dev/null"), tmp_path / "link.png"):
        with pytest.raises(InputError, match=f"{path}: expected an image file, found a device"):
            read(path)


class Failing(io.BytesIO):
    """A file on a disk that fails after so many bytes."""

    def __init__(self, data, after):
        super().__init__(data)
        self.after = after

    def read(self, size=-1, /):
        if self.tell() >= self.after:
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp"])
def test_disk_that_fails_while_it_is_read_is_no_damaged_image(kind, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400), np.uint8)
    stream = Failing(encode(Image(noise), kind), after=40_000)
    monkeypatch.setattr(sources, "_held", lambda _, __: stream)
    with pytest.raises(InputError, match=r"standard input: cannot be read \(Input/output error\)"):
        read(io.BytesIO())


def test_too_little_memory_is_no_damaged_image(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    (tmp_path / "image.png").write_bytes(encode(Image(GREY), "png"))
    for place in ("PIL.Image.Image.load", "PIL.Image.Image.getexif"):
        with monkeypatch.context() as patch:
            patch.setattr(place, fail)
            with pytest.raises(MemoryError):
                read(tmp_path / "image.png")


def test_threads_hear_of_their_own_files_only_and_leave_warnings_as_they_were(tmp_path):
    good = encode(Image(GREY), "png")
    (tmp_path / "good.png").write_bytes(good)
    (tmp_path / "bad.png").write_bytes(good[:33] + chunk(b"acTL", bytes(8)) + good[33:])  # of no pictures
    names = [("good.png", "bad.png")[number % 2] for number in range(200)]
    before = list(warnings.filters), warnings.showwarning
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda name: read(tmp_path / name).notes, names))
    assert (list(warnings.filters), warnings.showwarning) == before
    for name, said in zip(names, notes, strict=True):
        assert len(said) == (name == "bad.png"), said
        assert all(f"{name}: Invalid APNG" in text for text in said)


def test_many_warnings_of_one_file_are_said_once_and_in_part(tmp_path, monkeypatch):
    def load(picture):
        for text in itertools.chain(["first\nline"] * 5, map(str, range(100))):
            warnings.warn(text, UserWarning, stacklevel=2)
        return usual(picture)

    usual = PIL.Image.Image.load
    (tmp_path / "image.bmp").write_bytes(encode(Image(GREY), "bmp"))
    monkeypatch.setattr(PIL.Image.Image, "load", load)
    notes = read(tmp_path / "image.bmp").notes
    assert [text.rpartition(": ")[2] for text in notes] == ["first\\nline", "0", "1"]
