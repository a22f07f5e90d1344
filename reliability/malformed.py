"""Malformed image files by the hundred: cut short, damaged, with lying sizes, and bombs."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import PIL.Image

from convcli.images.png.chunks import SIGNATURE, chunk, chunks

LIES = (0, 1, 0x7F, 0x80, 0xFF)
RNG = np.random.default_rng(0)


def seeds(kind: str) -> list[bytes]:
    """Return whole files of a format, one of each of its ways to store an image."""
    small = PIL.Image.fromarray(RNG.integers(0, 256, (24, 20, 3), np.uint8))
    grey, deep = small.convert("L"), PIL.Image.fromarray(RNG.integers(0, 2**16, (9, 7), np.uint16))
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Ada"
    frames = {"save_all": True, "append_images": [small.rotate(90), small.rotate(180)]}
    known = {"exif": exif.tobytes(), "icc_profile": bytes(300)}
    if kind == "npy":
        return [_npy(np.asarray(small)), _npy(np.asarray(grey) / 255), _npy(np.asfortranarray(deep))]
    pictures: dict[str, list[tuple[PIL.Image.Image, dict[str, Any]]]] = {
        "png": [
            (small, known),
            (grey, {"transparency": 3}),
            (deep, {}),
            (small.convert("P"), {"bits": 8}),
            (small.convert("RGBA"), {}),
            (small, frames),
            (grey.convert("1"), {}),
        ],
        "jpeg": [(small, known), (grey, {}), (small, {"progressive": True}), (small.convert("CMYK"), {})],
        "tiff": [
            (small, known),
            (grey, {"compression": "tiff_lzw"}),
            (small, {"compression": "tiff_adobe_deflate"}),
            (grey, {"compression": "packbits"}),
            (small, {"compression": "jpeg"}),
            (deep, {}),
            (small, frames),
            (grey.convert("1"), {"compression": "group4"}),
        ],
        "webp": [(small, known), (small.convert("RGBA"), {"lossless": True}), (small, frames)],
        "gif": [(small, {}), (grey, {"transparency": 0}), (small, frames)],
        "bmp": [(small, {}), (grey, {}), (grey.convert("1"), {})],
    }
    return [_saved(picture, kind, **options) for picture, options in pictures[kind]]


def corpus(kind: str) -> Iterator[tuple[str, bytes]]:
    """Yield malformed files of a format, with what was done to each."""
    rng = random.Random(kind)
    whole = seeds(kind)
    for data in whole:
        size = len(data)
        for end in sorted({*range(min(size, 60)), *(size * n // 40 for n in range(40)), size - 1}):
            yield "cut short", data[:end]
        for place in range(min(size, 64)):
            yield "a byte of the header", _with(data, place, bytes([rng.choice(LIES)]))
        for place in range(0, min(size, 120), 2):
            yield (
                "a lying size",
                _with(data, place, rng.choice((b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"\0" * 4))),
            )
        for _ in range(40):
            damaged = bytearray(data)
            for _ in range(rng.choice((1, 3, 10))):
                damaged[rng.randrange(size)] = rng.randrange(256)
            yield "flipped bytes", bytes(damaged)
        for _ in range(20):
            start, end = sorted((rng.randrange(size), rng.randrange(size)))
            other = rng.choice(whole)
            yield "spliced", data[:start] + other[end:] if rng.random() < 0.5 else data[:end] + data[start:]
    if kind == "png":
        yield from _chunks(rng, whole)
    yield from BOMBS[kind]()


def _chunks(rng: random.Random, whole: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Change what is in a chunk and make its check sum fit: past the first hurdle."""
    for data in whole:
        parts = [(name, data[place:][:length]) for name, place, length in chunks(io.BytesIO(data))]
        for number, (name, content) in enumerate(parts):
            for _ in range(10):
                damaged = bytearray(content or b"\0")
                damaged[rng.randrange(len(damaged))] = rng.choice((*LIES, rng.randrange(256)))
                changed = [*parts[:number], (name, bytes(damaged)), *parts[number + 1 :]]
                yield (
                    "a chunk with the right check sum",
                    SIGNATURE + b"".join(chunk(*part) for part in changed),
                )
        for _ in range(10):
            shuffled = rng.sample(parts, len(parts)) if rng.random() < 0.5 else rng.choices(parts, k=9)
            yield "chunks in another order", SIGNATURE + b"".join(chunk(*part) for part in shuffled)


def _png_bombs() -> Iterator[tuple[str, bytes]]:
    head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    body, end = chunk(b"IDAT", _zeros(72)), chunk(b"IEND", b"")
    start = SIGNATURE + chunk(b"IHDR", head)
    for name, size in (("a huge size", (60_000, 60_000)), ("no rows", (8, 0)), ("no columns", (0, 8))):
        yield name, SIGNATURE + chunk(b"IHDR", struct.pack(">II", *size) + head[8:]) + body + end
    yield "pixels without end", start + chunk(b"IDAT", _zeros(2**28)) + end
    yield "a profile of 64 MB", start + chunk(b"iCCP", b"p\0\0" + _zeros(2**26)) + body + end
    texts = b"".join(chunk(b"zTXt", b"%d\0\0" % n + _zeros(999_999)) for n in range(200))
    yield "texts of 200 MB", start + texts + body + end
    yield "100,000 chunks", start + chunk(b"abCd", b"") * 100_000 + body + end
    yield "billions of pictures", start + chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)) + body + end
    yield "tags on the same data", start + chunk(b"eXIf", _overlapping(5000)) + body + end


def _webp_bombs() -> Iterator[tuple[str, bytes]]:
    for width, height in ((16384, 16384), (2**24, 2**24), (2**24, 1)):
        canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        form = b"WEBPVP8X" + struct.pack("<I", 10) + canvas
        yield "a huge canvas", b"RIFF" + struct.pack("<I", len(form)) + form
    whole = _saved(PIL.Image.new("RGB", (1, 1)), "webp", lossless=True)
    yield "a huge size", _with(whole, whole.index(b"VP8L") + 9, b"\xff\xff\xff\x0f")


def _gif_bombs() -> Iterator[tuple[str, bytes]]:
    gif = _saved(PIL.Image.new("L", (2, 2)), "gif")
    frame = gif.index(b",")
    yield "a huge size", _with(gif, 6, b"\xff" * 4)
    yield "a huge frame", _with(gif, frame + 5, b"\xff" * 4)
    yield "no rows", _with(gif, frame + 5, bytes(4))
    yield "100,000 comments", gif[:frame] + b"!\xfe\1a\0" * 100_000 + gif[frame:]
    yield "50,000 pictures", gif[:frame] + gif[frame:-1] * 50_000 + b";"


def _bmp_bombs() -> Iterator[tuple[str, bytes]]:
    bmp = _saved(PIL.Image.new("L", (2, 2)), "bmp")
    yield "a huge size", _with(bmp, 18, b"\xff\xff\xff\x7f" * 2)
    yield "no rows", _with(bmp, 18, bytes(8))
    yield "sizes below zero", _with(bmp, 18, b"\0\0\0\x80" * 2)


def _npy_bombs() -> Iterator[tuple[str, bytes]]:
    for shape in ("(99999, 99999)", "(0, 5)", "(-4, 4)", "(2, 10**9)", "(0, 1" + "0" * 40 + ")", "(" * 9000):
        yield "a lying header", _npy_file("<f8", shape)
    for kind in ("|O", "<U9", "<c16", "V99", "<f8,<f8", "<M8[s]"):
        yield "no numbers", _npy_file(kind, "(2, 2)")
    yield "a huge header", b"\x93NUMPY\2\0" + b"\xff" * 4 + b" " * 1000


def _npy_file(kind: str, shape: str) -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(800)


def _jpeg_bombs() -> Iterator[tuple[str, bytes]]:
    plain = _saved(PIL.Image.new("RGB", (8, 8)), "jpeg")
    frame = plain.index(b"\xff\xc0")
    yield "a huge size", _with(plain, frame + 5, b"\xff" * 4)
    yield "no rows", _with(plain, frame + 5, bytes(4))
    for name, marker, content, count in (
        ("50,000 segments of EXIF", b"\xff\xe1", b"Exif\0\0abcd", 50_000),
        ("50,000 segments of comments", b"\xff\xfe", b"", 50_000),
        ("tags on the same data", b"\xff\xe1", b"Exif\0\0" + _overlapping(5000), 1),
    ):
        segment = marker + struct.pack(">H", 2 + len(content)) + content
        yield name, plain[:2] + segment * count + plain[2:]
    scans = _saved(PIL.Image.new("L", (1000, 1000)), "jpeg", progressive=True)
    last = scans.rindex(b"\xff\xda")
    yield "5,000 scans", scans[:-2] + scans[last:-2] * 5_000 + scans[-2:]


def _tiff_bombs() -> Iterator[tuple[str, bytes]]:
    def directory(tags: dict[int, int], following: int = 0) -> bytes:
        """Return tags of one number each, those of `plain` as short ones."""
        entries = (struct.pack("<HHII", tag, 3 if tag in plain else 4, 1, tags[tag]) for tag in sorted(tags))
        return struct.pack("<H", len(tags)) + b"".join(entries) + struct.pack("<I", following)

    plain = {258: 8, 259: 1, 262: 1, 277: 1}  # one sample of 8 bits, not packed, black is 0
    # Width, height, where the one strip is, its rows and bytes.
    one = plain | {256: 1, 257: 1, 273: 8, 278: 2**32 - 1, 279: 1}
    start = b"II*\0" + struct.pack("<I", 8)
    for width, height in ((60_000, 60_000), (2**31, 2**31), (0, 5), (2**32 - 1, 1)):
        huge = one | {256: width, 257: height, 273: 0, 279: 8}
        yield "a huge size", start + directory(huge) + bytes(64)
    packed = _zeros(2**28)
    tiled = plain | {259: 8, 256: 1, 257: 1, 322: 2**14, 323: 2**14, 324: 134, 325: len(packed)}
    yield "a tile larger than its image", start + directory(tiled) + packed
    places = [*(8 + (n + 1) * len(directory(one)) for n in range(19_999)), 0]
    yield "20,000 pages", start + b"".join(directory(one, place) for place in places)
    yield "a page that follows itself", start + directory(one, 8)
    yield "tags on the same data", _overlapping(20_000)
    yield "many samples a pixel", start + directory(one | {277: 65_535}) + bytes(64)


def _overlapping(count: int) -> bytes:
    """Return a TIFF directory of which every tag claims all of the file for itself."""
    size = 8 + 2 + 12 * count + 4
    tags = b"".join(struct.pack("<HHII", 1000 + n, 7, size, 0) for n in range(count))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", count) + tags + bytes(4)


def _zeros(count: int) -> bytes:
    """Return so many zeros, packed some two hundred times smaller."""
    packer = zlib.compressobj(1)
    pieces = [packer.compress(bytes(min(2**20, count - place))) for place in range(0, count, 2**20)]
    return b"".join([*pieces, packer.flush()])


def _saved(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind.upper(), **options)
    return stream.getvalue()


def _npy(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(array))
    return stream.getvalue()


def _with(data: bytes, place: int, changed: bytes) -> bytes:
    return (data[:place] + changed + data[place + len(changed) :])[: max(len(data), place + len(changed))]


BOMBS: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "png": _png_bombs,
    "jpeg": _jpeg_bombs,
    "tiff": _tiff_bombs,
    "webp": _webp_bombs,
    "gif": _gif_bombs,
    "bmp": _bmp_bombs,
    "npy": _npy_bombs,
}
"""Small files that ask for much, by format."""
