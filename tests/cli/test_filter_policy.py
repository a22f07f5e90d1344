"""Alpha, no data and ranges on the command line, and what is said of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from convcli.render.filtering import result_lines
from filtering.made import filtered

RNG = np.random.default_rng(4)


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["cut.png", "cut.webp", "cut.tif", "palette.png", "palette.gif", "grey.png"])
@pytest.mark.parametrize("kernel", ["sharpen"])
def test_hidden_colours_change_no_file(call, tmp_path, name, kernel):
    results = []
    for hidden in (0, 255):
        pixels = np.full((20, 30, 4), 200, np.uint8)
        pixels[..., 3] = 255
        pixels[:, 15:] = (hidden, 10, 90, 0)
        pixels[6:9, 4:7, :3] = 40
        picture = Image.fromarray(pixels)
        options: dict[str, object] = {"lossless": True, "exact": True} if name.endswith("webp") else {}
        if name.startswith("palette"):
            indices = np.where(pixels[..., 3] == 0, 0, np.where(pixels[..., 0] == 40, 1, 2)).astype(np.uint8)
            picture = Image.fromarray(indices).convert("P")
            picture.putpalette([hidden, 10, 90, 40, 40, 40, 200, 200, 200])
            options = {"transparency": 0}
        elif name.startswith("grey"):
            picture = Image.fromarray(pixels[..., [0, 3]])
        picture.save(tmp_path / name, **options)
        out = tmp_path / f"{hidden}.png"
        assert call("filter", name, "-k", kernel, "-o", out).code == 0
        results.append(np.asarray(Image.open(out)))
    np.testing.assert_array_equal(*results)
    assert results[0].shape[2] in (2, 4)


def test_a_float_image_of_edges_can_be_looked_at(call, tmp_path):
    saved(tmp_path / "dem.tif", RNG.normal(size=(20, 30)).astype(np.float32) * 1000)
    for policy, note in [
        ("stretch", ""),
        ("auto", "1 is white"),
        ("clip", "1 is white"),
        ("offset", "1 is white"),
    ]:
        for ending in ("png", "jpg"):
            done = call(
                "filter",
                "dem.tif",
                "-k",
                "sobel-x",
                "--range",
                policy,
                "-o",
                f"{policy}.{ending}",
            )
            assert done.code == 0, done.stderr
            assert note in done.stderr
            made = np.asarray(Image.open(tmp_path / f"{policy}.{ending}"))
            assert made.dtype == np.uint8
        if policy == "stretch":
            made = np.asarray(Image.open(tmp_path / "stretch.png"))
            assert (made.min(), made.max()) == (0, 255)


def test_no_data_is_left_out_and_counted(call, tmp_path):
    plane = RNG.normal(size=(20, 30)).astype(np.float32)
    plane[5:12, 5:12] = -9999
    saved(tmp_path / "dem.tif", plane)
    done = call("filter", "dem.tif", "-k", "box", "--nodata", "-9999", "-o", "out.tif")
    assert "49 pixels of no data left out; 25 results have no others in their windows" in done.stderr
    made = np.asarray(Image.open(tmp_path / "out.tif"))
    assert (made == -9999).sum() == 25
    assert made[made != -9999].min() > -5
    absent = call("filter", "dem.tif", "-k", "box", "--nodata", "7", "-o", "o.tif", "--json")
    assert "no pixel is 7" in absent.stderr
    assert json.loads(absent.stdout)["nodata"] == {"pixels": 0, "results": 0}


def test_what_stands_for_nothing_in_integers_is_said(call, tmp_path):
    plane = RNG.random((20, 30)).astype(np.float32)
    plane[5:12, 5:12] = np.nan
    saved(tmp_path / "dem.tif", plane)
    hidden = call("filter", "dem.tif", "-k", "box", "--nodata", "nan", "-o", "out.png")
    assert "hold none either, which is written as 0: uint8 has no nan" in hidden.stderr
    kept = call("filter", "dem.tif", "-k", "box", "-o", "seen.png")
    assert "in their windows (NaN is written as zero); --nodata nan" in kept.stderr
    floats = call("filter", "dem.tif", "-k", "box", "--nodata", "nan", "-o", "out.tif")
    assert "written as" not in floats.stderr


def test_nan_is_no_reason_to_refuse_a_file(call, tmp_path):
    plane = RNG.normal(size=(20, 30)).astype(np.float32)
    plane[5, 5] = np.nan
    saved(tmp_path / "nan.tif", plane)
    done = call("filter", "nan.tif", "-k", "box", "-o", "out.tif", "--json")
    assert done.code == 0
    assert "9 responses are NaN" in done.stderr
    assert json.loads(done.stdout)["not_finite"] == 9
    assert np.isnan(np.asarray(Image.open(tmp_path / "out.tif"))).sum() == 9
    assert call("filter", "nan.tif", "-k", "box", "--nodata", "nan", "-o", "o.tif").code == 0
    assert np.isfinite(np.asarray(Image.open(tmp_path / "o.tif"))).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--padding", "20000"], "40,0"),
        (["--alpha", "premultiply"], "Known: keep, filter, ignore"),
        (["--nodata", "0,5"], "expected a number, nan or auto"),
    ],
)
def test_what_cannot_be_is_refused_in_words(call, tmp_path, words, said):
    saved(tmp_path / "a.png", np.zeros((20, 30), np.uint8))
    done = call("filter", "a.png", "-k", "box", *words)
    assert done.code == 2
    assert said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_the_same_note_is_counted_in_a_batch(call, tmp_path):
    for number in range(9):
        saved(tmp_path / f"{number}.png", np.full((9, 9), 200 + number, np.uint8) + np.eye(9, dtype=np.uint8))
    done = call(
        "filter",
        *sorted(p.name for p in tmp_path.glob("*.png")),
        "-k",
        "laplacian",
        "--out-dir",
        "o",
    )
    lines = done.stderr.splitlines()
    assert sum("nearly black" in line for line in lines) == 4
    assert lines[-1].startswith("note: 9 images: nearly black")


def test_the_line_leaves_out_what_is_usual_and_fits_the_terminal():
    image = RNG.integers(0, 256, (30, 40)).astype(np.uint8)
    (line,) = result_lines("photo_sobel.png", filtered(image, "gaussian").found)
    assert "30 high, 40 wide  gaussian 9 × 9, sum 1" in line
    assert not any(word in line for word in ("uint8", "correlate", "clipped"))
    (other,) = result_lines("x.npy", filtered(image, "sobel", op="convolve", range="raw").found)
    assert "float32" in other
    assert "(convolve)" in other
    for width in (40, 80):
        narrow = result_lines("photo_sobel.png", filtered(image, "sobel").found, width)
        assert max(map(len, narrow)) <= width
