"""`filter` on files that are not as they should be: as far as they go, and none of them ends a batch."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pytest

from convcli.images import Image, Metadata, encode, read

RGB = np.random.default_rng(0).integers(0, 256, (80, 60, 3), np.uint8)


def test_what_is_cut_short_is_filtered_as_far_as_it_goes_if_asked_for(call, tmp_path):
    data = encode(Image(RGB), "png")
    (tmp_path / "x.png").write_bytes(data[: len(data) // 2])
    refused = call("filter", "x.png", "-k", "box", "-o", "y.png")
    assert refused.code == 1
    assert "damaged or cut short" in refused.stderr
    result = call("filter", "x.png", "-k", "box", "-o", "y.png", "--damaged")
    assert result.code == 0
    assert "of 80 rows are real, the others black" in result.stderr


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize(
    "error", [ValueError("no such thing"), KeyError("x"), OSError(5, "Input/output error")]
)
def test_an_error_nobody_expects_names_the_file_and_ends_no_batch(
    call, tmp_path, monkeypatch, keep_going, error
):
    from convcli import images

    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(encode(Image(RGB), "png"))
    whole = images.kept

    def fail(image, format):  # noqa: A002
        if not len(seen):
            seen.append(image)
            raise error
        return whole(image, format)

    seen: list[Image] = []
    monkeypatch.setattr("convcli.filtering.making.kept", fail)
    options = ["--keep-going"] if keep_going else []
    result = call(
        "filter", "a.png", "b.png", "c.png", "-k", "box", "--out-dir", "out", "--threads", 1, *options
    )
    assert result.code == 1
    assert "a.png: " in result.stderr
    if not isinstance(error, OSError):
        assert f"a.png: this is a defect in convcli: {type(error).__name__}" in result.stderr
    if keep_going:
        assert (tmp_path / "out" / "b_box.png").exists()
        assert (tmp_path / "out" / "c_box.png").exists()


def test_a_resolution_that_cannot_be_true_is_left_out(call, tmp_path):
    exif = PIL.Image.Exif()
    exif[0x011A] = exif[0x011B] = 4294967295
    exif[0x0128] = 2
    stream = io.BytesIO()
    PIL.Image.fromarray(RGB).save(stream, "jpeg", exif=exif)
    (tmp_path / "x.jpg").write_bytes(stream.getvalue())
    result = call("filter", "x.jpg", "-k", "box", "-o", "y.png")
    assert result.code == 0
    assert "4294967295 × 4294967295 dpi, cannot be true" in result.stderr
    with PIL.Image.open(tmp_path / "y.png") as picture:
        assert "dpi" not in picture.info


def test_what_the_format_cannot_hold_is_said_with_the_files_name(call, tmp_path):
    image = Image(RGB, metadata=Metadata(None, (300, 300), None, ((b"gAMA", b"\0\0\xb1\x8f"),)))
    (tmp_path / "x.png").write_bytes(encode(image, "png"))
    result = call("filter", "x.png", "-k", "box", "-o", "y.webp")
    assert "note: x.png: WEBP files do not hold its resolution, gAMA; left out." in result.stderr
    result = call("filter", "x.png", "-k", "identity", "-o", "y.gif")
    assert "colours become 256" in result.stderr


def ink(profile=None):
    stream = io.BytesIO()
    PIL.Image.fromarray(np.dstack([RGB, RGB[:, :, :1] // 2]), "CMYK").save(
        stream, "jpeg", icc_profile=profile
    )
    return stream.getvalue()


def test_ink_without_a_profile_is_said(call, tmp_path):
    (tmp_path / "x.jpg").write_bytes(ink())
    result = call("filter", "x.jpg", "-k", "box", "-o", "y.png")
    assert "CMYK was converted to RGB without a profile" in result.stderr


def lossless(pixels):
    """Return RGB pixels as a lossless JPEG: each sample less its left neighbour. Source: T.81, annex H."""
    height, width, _ = pixels.shape

    def segment(marker, data):
        return bytes([255, marker]) + struct.pack(">H", len(data) + 2) + data

    predicted = np.empty(pixels.shape, int)
    predicted[:, 1:] = pixels[:, :-1]
    predicted[1:, 0] = pixels[:-1, 0]
    predicted[0, 0] = 128
    bits = ""
    for difference in (pixels.astype(int) - predicted).ravel():
        size = int(abs(difference)).bit_length()
        bits += f"{size:04b}"  # nine codes of four bits
        if size:
            bits += f"{difference if difference > 0 else difference + 2**size - 1:0{size}b}"
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(bytes([n, 0x11, 0]) for n in (82, 71, 66))
    table = bytes([0, 0, 0, 0, 9, *[0] * 12, *range(9)])
    start = bytes([3, 82, 0, 71, 0, 66, 0, 1, 0, 0])
    return (
        b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, table) + segment(0xDA, start) + scan + b"\xff\xd9"
    )


@pytest.mark.parametrize("kernel", ["sharpen", "sobel", "laplacian", "prewitt-x"])
def test_a_lossless_jpeg_is_filtered_by_every_kernel(call, tmp_path, kernel):
    (tmp_path / "x.jpg").write_bytes(lossless(RGB))
    (tmp_path / "y.png").write_bytes(encode(Image(RGB), "png"))
    assert call("filter", "x.jpg", "y.png", "-k", kernel, "--out-dir", "out").code == 0
    one, other = (np.asarray(read(tmp_path / "out" / f"{name}_{kernel}.png").pixels) for name in ("x", "y"))
    np.testing.assert_array_equal(one, other)
