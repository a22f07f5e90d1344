"""`convcli preview`."""

import json

import numpy as np
import PIL.Image
import pytest

from convcli.images.chart import chart


@pytest.fixture
def photo(tmp_path):
    PIL.Image.fromarray(chart()[80:240, 80:280]).save(tmp_path / "photo.png")


def test_a_sheet_has_the_original_and_each_result(call, photo, tmp_path):
    done = call("preview", "photo.png", "--kernels", "blur,sobel", "--json")
    document = json.loads(done.stdout)
    assert [tile["label"] for tile in document["tiles"]] == ["box", "gaussian", "motion", "sobel"]
    assert document["output"] == "photo_preview.png"
    with PIL.Image.open(tmp_path / "photo_preview.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    original = chart()[80:240, 80:280]
    height, width = pixels.shape[0] - 159, pixels.shape[1] - 199
    alike = np.ones((height, width), bool)
    for y, x in [(0, 0), (30, 150), (120, 10), (159, 199), (80, 100), (100, 160)]:
        alike &= (pixels[y : y + height, x : x + width] == original[y, x]).all(axis=2)
    found = ((pixels[y : y + 160, x : x + 200] == original).all() for y, x in np.argwhere(alike).tolist())
    assert any(found), "its pixels are there, one by one"
    assert "exists already" in call("preview", "photo.png").stderr


def test_values_and_chains_are_tried(call, photo):
    done = call(
        *("preview", "photo.png", "--vary", "gaussian:sigma=1,3", "--step", "sobel", "--step", "invert"),
        *("-o", "x.png", "--json"),
    )
    labels = [tile["label"] for tile in json.loads(done.stdout)["tiles"]]
    assert labels == ["gaussian:sigma=1", "gaussian:sigma=3", "1. sobel", "2. then invert"]


def test_a_sheet_that_is_only_shown_is_not_written(call, photo, tmp_path):
    done = call("preview", "photo.png", "--kernels", "sobel,gaussian:sigma=2", "--show")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["original", "sobel", "gaussian:sigma=2"]
    assert max(map(len, lines)) <= 100
    assert "nothing is written with --show alone" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_nearly_black_results_are_pointed_to(call, photo):
    done = call("preview", "photo.png", "--kernels", "gabor", "-o", "x.png")
    assert "1 are nearly black; preview --range stretch" in done.stderr
    done = call("preview", "photo.png", "--kernels", "gabor", "-o", "y.png", "--range", "stretch")
    assert "black" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photo.png", "--kernels", "sobl"), "Did you mean 'sobel'?"),
        (("photo.png", "--vary", "gaussian"), "expected a name and values"),
        (("photo.png", "-o", "x.jpg"), "ends in '.png'"),
        (("photo.png", "-o", "photo.png", "--force"), "is an input"),
        (("photo.png", "--side", "5000"), "--side"),
        (("photo.png", "--side", "1000"), "too large: take a --side of at most 83"),
        (("missing.png",), "no such file"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_before_any_work(call, photo, tmp_path, words, said):
    done = call("preview", *words)
    assert done.code in (1, 2)
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_name_of_no_file_is_refused(call, name):
    refused = call("preview", name)
    assert (refused.code, refused.stdout) == (1, "")
    assert "expected an image file, found no name of one" in refused.stderr


def test_how_values_became_eight_bits_is_said(call, tmp_path):
    values = np.linspace(-30, 90, 1600).reshape(40, 40).astype(np.float32)
    values[0, 0] = np.nan
    np.save(tmp_path / "a.npy", values)
    small = call("preview", "a.npy", "--kernels", "box,sobel", "-o", "b.png")
    assert "a.npy: values -29.925 … 90 are shown from black to white" in small.stderr
    assert "a.npy: what is no finite number is shown as black" in small.stderr
    cropped = call("preview", "a.npy", "--kernels", "box,sobel-x", "--crop", "-o", "c.png")
    assert "1 results: values … … … are shown from black to white" in cropped.stderr.replace("-…", "…")
