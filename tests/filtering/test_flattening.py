"""Depths of results, and results laid on a background: against Pillow and NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageColor

from convcli import filter_image
from convcli.errors import UnknownNameError, UsageError
from convcli.filtering import Policy
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.pipeline_file import pipeline_document, read_pipeline
from convcli.filtering.steps.parsing import step_of

RNG = np.random.default_rng(8)
EVERY = np.arange(65536, dtype=np.uint16).reshape(256, 256)


def pixels_of(mode, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, (31, 40, len(mode)), endpoint=True).astype(dtype)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("name", ["white", "#000", "grey", "tomato", "hsl(30, 100%, 50%)"])
def test_a_background_is_pillow_s_paste_to_the_last_digit(mode, name):
    pixels = pixels_of(mode)
    own = "L" if mode == "LA" and len(set(ImageColor.getrgb(name))) == 1 else "RGB"
    ground = Image.new(own, (40, 31), name)
    picture = Image.fromarray(pixels)
    ground.paste(picture.convert(own), mask=picture.getchannel("A"))
    found = filter_image(pixels, "identity", background=name)
    np.testing.assert_array_equal(found, np.asarray(ground))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_depths_are_mixed_alike(dtype):
    whole = pixels_of("RGBA", np.uint16)
    pixels = whole if dtype == np.uint16 else (whole / 65535).astype(dtype)
    white = 65535 if dtype == np.uint16 else 1
    share = pixels[..., 3:].astype(float) / white
    expected = pixels[..., :3] * share + np.array([255, 99, 71]) / 255 * white * (1 - share)
    found = filter_image(pixels, "identity", background="tomato")
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=0.5 if white > 1 else 1e-6)


def test_nan_that_is_not_seen_is_the_background():
    pixels = np.full((5, 5, 4), np.nan, np.float32)
    pixels[..., 3] = 0
    assert (filter_image(pixels, "identity", background="white") == 1).all()


def test_16_bits_become_the_nearest_of_8_and_8_become_16_exactly():
    eight = filter_image(EVERY, "identity", depth=8)
    assert eight.dtype == np.uint8
    np.testing.assert_array_equal(eight, np.rint(EVERY / 257))
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(filter_image(levels, "identity", depth=16), levels * np.uint16(257))


def test_nothing_is_rounded_before_the_depth():
    levels = np.tile(np.arange(16, dtype=np.uint8), (16, 1))
    exact = filter_image(levels, "gaussian:sigma=2", range="raw")
    np.testing.assert_array_equal(filter_image(levels, "gaussian:sigma=2", depth=16), np.rint(exact * 257))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("range_", ["auto", "clip", "abs", "stretch", "offset"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.float32, np.float64, ">u2"])
def test_every_range_of_every_dtype_has_a_depth(depth, range_, dtype):
    kind = np.dtype(dtype).kind
    high = 1 if kind == "f" else np.iinfo(dtype).max
    values = (RNG.random((20, 20)) * (2 if kind != "u" else 1) - (kind != "u")) * high
    found = filter_image(values.astype(dtype), "sobel-x", depth=depth, range=range_)
    assert found.dtype == f"uint{depth}"
    white = 2**depth - 1
    raw = filter_image(values.astype(dtype), "sobel-x", range="raw").astype(float)
    if range_ == "stretch":
        expected = (raw - raw.min()) / (raw.max() - raw.min())
    else:
        expected = {"clip": raw, "offset": raw + high / 2}.get(range_, abs(raw)) / high
    expected = np.clip(expected, 0, 1) * white
    np.testing.assert_allclose(found, expected, atol=2 if range_ == "offset" else 0.51)


def test_angles_have_depths():
    found = filter_image(RNG.random((20, 20)), "sobel", gradient="angle", depth=16)
    raw = filter_image(RNG.random((20, 20)), "sobel", gradient="angle", range="raw")
    assert (found.dtype, found.max() > 60000, raw.dtype.kind) == (np.uint16, True, "f")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": 12}, "8 or 16"),
        ({"depth": 8, "range": "raw"}, "no depth"),
        ({"background": "white", "range": "raw"}, "no background"),
        ({"background": "#ff000080"}, "transparent"),
    ],
)
def test_what_cannot_be_is_refused(options, said):
    with pytest.raises(UsageError, match=said):
        Policy(**options)
    with pytest.raises(UnknownNameError, match="Unknown colour"):
        Policy(background="nocolour")


def test_files_and_records_have_them_and_those_before_hold():
    plain = Pipeline([step_of("gaussian")], Policy())
    one = Pipeline([step_of("gaussian")], Policy(depth=8, background="White"))
    document = pipeline_document(one)
    assert (document["depth"], document["background"]) == (8, "#ffffff")
    again = read_pipeline(document, "file")
    assert again.record() == one.record() != plain.record()
    assert not {"depth", "background"} & (plain.record().keys() | pipeline_document(plain).keys())


def saved(path, pixels):
    Image.fromarray(pixels).save(path)


def test_jpeg_is_made_of_alpha_and_16_bits_where_the_error_says_how(call, tmp_path):
    saved(tmp_path / "alpha.png", pixels_of("RGBA"))
    saved(tmp_path / "deep.png", EVERY)
    for name in ("alpha", "deep"):
        refused = call("filter", f"{name}.png", "-k", "box", "-o", f"{name}.jpg")
        assert refused.code == 1
        advice = refused.stderr.split("or filter with ")[1].strip().rstrip(".")
        assert call("filter", f"{name}.png", "-k", "box", "-o", f"{name}.jpg", *advice.split()).code == 0
    refused = call("filter", "deep.png", "-k", "box", "-o", "o.jpg", "--depth", 16, "--dry-run")
    assert refused.code == 2
    assert "JPEG files hold no 16 bits; .png, .tif, .npy files do." in refused.stderr


def test_manifests_and_resume_know_them(call, tmp_path):
    saved(tmp_path / "a.png", pixels_of("RGBA"))
    usual = ["filter", "a.png", "-k", "box", "--out-dir", "out"]
    given = ["--depth", "16", "--background", "red"]
    assert call(*usual, *given, "--manifest", "m.jsonl").code == 0
    line = json.loads((tmp_path / "m.jsonl").read_text())
    assert (line["pipeline"]["depth"], line["pipeline"]["background"]) == (16, "#ff0000")
    assert line["dtype"] == "uint16"
    assert "were finished already" in call(*usual, *given, "--manifest", "m.jsonl", "--resume").stderr
    other = call(*usual, "--manifest", "m.jsonl", "--resume")
    assert other.code == 2
    assert "depth: 16 → not given; background: #ff0000 → not given" in other.stderr
    assert call("filter", "--from", "m.jsonl", "--out-dir", "again").code == 0
    assert (tmp_path / "again/a_box.png").read_bytes() == (tmp_path / "out/a_box.png").read_bytes()
    assert call(*usual, *given, "--save-pipeline", "p.toml", "--force").code == 0
    done = call("filter", "a.png", "--pipeline", "p.toml", "-o", "b.png")
    assert done.code == 0, done.stderr
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "out/a_box.png").read_bytes()


def test_that_grey_becomes_rgb_is_said(call, tmp_path):
    saved(tmp_path / "a.png", pixels_of("LA"))
    coloured = call("filter", "a.png", "-k", "box", "--background", "tomato", "-o", "b.png")
    assert "note: a.png: grey pixels are RGB on #ff6347" in coloured.stderr
    assert call("filter", "a.png", "-k", "box", "--background", "grey", "-o", "c.png").stderr == ""


def test_frames_are_laid_on_it(call, tmp_path):
    frames = [Image.fromarray(pixels_of("RGBA")) for _ in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=100)
    made = call(
        "filter", "a.png", "-k", "identity", "--frames", "all", "--background", "white", "-o", "f{frame}.jpg"
    )
    assert made.code == 0, made.stderr
    with Image.open(tmp_path / "f3.jpg") as last:
        assert last.mode == "RGB"
    stretched = ["--range", "stretch", "--background", "white", "--depth", "16"]
    assert call("filter", "a.png", "-k", "box", "--frames", "all", *stretched, "-o", "b.png").code == 0
