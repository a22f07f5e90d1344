"""`filter` on files that are not as they should be: as far as they go, and none of them ends a batch."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from convcli.images import Image, Metadata, encode

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
    monkeypatch.setattr(images, "kept", fail)
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
