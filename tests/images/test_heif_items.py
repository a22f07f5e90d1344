"""What is said of HEIF files whose pixels the library has no decoder for: the true reason."""

from __future__ import annotations

import io
import struct

import pytest

from convcli.errors import InputError
from convcli.images import read
from convcli.images.heif_items import coding_of, is_film

heif = pytest.importorskip("pillow_heif")


def box(name, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), name) + content


def file_of(kinds, *, main=1, parts=(), wide=False):
    """Return a file whose items are of these kinds, from 1, without any pixels."""
    number = ">I" if wide else ">H"
    entries = [
        box(b"infe", bytes([3 if wide else 2, 0, 0, 0]), struct.pack(number, n), b"\0\0", kind, b"\0")
        for n, kind in enumerate(kinds, 1)
    ]
    count = struct.pack(number, len(kinds))
    links = struct.pack(number, main) + struct.pack(">H", len(parts))
    links += b"".join(struct.pack(number, part) for part in parts)
    version = bytes([wide, 0, 0, 0])
    meta = box(
        b"meta",
        bytes(4),
        box(b"hdlr", bytes(8), b"pict", bytes(13)),
        box(b"pitm", version, struct.pack(number, main)),
        box(b"iinf", version, count, *entries),
        *([box(b"iref", version, box(b"dimg", links))] if parts else []),
    )
    return box(b"ftyp", b"mif1", bytes(4), b"mif1heic") + meta


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("kind", "said"), [(b"unci", "uncompressed"), (b"vvc1", "VVC"), (b"j2k1", "2000")])
def test_the_coding_of_the_main_picture_is_named(kind, said, wide):
    assert said in coding_of(io.BytesIO(file_of([b"hvc1", kind], main=2, wide=wide)))
    assert said in coding_of(io.BytesIO(file_of([b"grid", b"Exif", kind], parts=[3], wide=wide)))


def test_a_file_that_says_nothing_has_no_coding():
    whole = file_of([b"unci"])
    for length in range(len(whole)):
        coding_of(io.BytesIO(whole[:length]))
    assert coding_of(io.BytesIO(whole[:60])) is None
    assert coding_of(io.BytesIO(b"")) is None
    assert coding_of(io.BytesIO(file_of([b"what"]))) is None


@pytest.mark.parametrize("length", [2**63 + 16, 2**64 - 1])
def test_a_box_that_ends_beyond_any_file_says_nothing(length, tmp_path):
    file = tmp_path / "damaged.heic"  # a file of bytes in memory takes other places than one on a disk
    file.write_bytes(struct.pack(">I4sQ", 1, b"ftyp", length) + b"heic" + bytes(40))
    with file.open("rb") as stream:
        assert coding_of(stream) is None
        assert not is_film(stream)


def test_a_sequence_without_a_still_picture_is_called_one():
    film = box(b"ftyp", b"msf1", bytes(4), b"msf1hevc") + box(b"moov", bytes(8))
    assert is_film(io.BytesIO(film))
    assert not is_film(io.BytesIO(file_of([b"unci"])))
    with pytest.raises(InputError, match="has a sequence of pictures, as a film, and no still one"):
        read(io.BytesIO(film))


def test_pixels_that_the_library_leaves_out_are_not_called_missing(monkeypatch):
    monkeypatch.setattr(heif, "open_heif", lambda *_, **__: [])
    with pytest.raises(InputError, match=r"coded as uncompressed pixels .* pillow-heif has no decoder for"):
        read(io.BytesIO(file_of([b"unci"])))
    with pytest.raises(InputError, match="found none"):
        read(io.BytesIO(file_of([b"hvc1"])))


def test_a_codec_that_is_missing_is_no_damage(monkeypatch):
    def opens(*_, **__):
        raise RuntimeError(
            "Error while loading plugin: Support for this compression format has not been built in"
        )

    monkeypatch.setattr(heif, "open_heif", opens)
    with pytest.raises(InputError, match=r"coded as AVC \(H.264\)"):
        read(io.BytesIO(file_of([b"avc1"])))
