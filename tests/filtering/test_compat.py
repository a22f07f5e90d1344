"""What --compat takes over, beside stored results of the real tools, of `docs/compat_results.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from convcli.filtering import Laying, Policy, apply
from convcli.filtering.compat import PRESETS
from convcli.kernels import Kernel, adjusted

STORED = np.load(Path(__file__).with_name("compat.npz"))
LARGEST = {"opencv": 0, "scipy": 1e-10, "imagemagick": 1, "pillow": 1, "vips": 0.002}


def as_tool(name, image, weights):
    tool, kernel = PRESETS[name], Kernel("k", (weights,))
    kernel = tool.turned(kernel)
    own = tool.of_kernel(kernel, ())
    if own.pop("normalize", False):
        kernel = adjusted(kernel, normalize=True)
    policy = Policy(**tool.options(()))
    if name in ("scipy", "vips"):  # whose results are floats
        image, policy = image.astype(float), replace(policy, range="raw")
    return apply(image, [Laying(replace(kernel, **own), policy)], policy).pixels


@pytest.mark.parametrize("name", PRESETS)
def test_pixels_are_those_of_the_tool(name):
    keys = [key for key in STORED.files if key.startswith(f"{name}/")]
    assert len(keys) >= 18
    for key in keys:
        _, image, kernel = key.split("/")
        weights, expected = STORED[f"kernel/{kernel}"], STORED[key].astype(float)
        found = as_tool(name, STORED[f"image/{image}"], weights).astype(float)
        if name == "pillow":  # which leaves the outermost pixels as they are
            inner = slice(len(weights) // 2, -(len(weights) // 2))
            found, expected = found[inner, inner], expected[inner, inner]
        assert np.abs(found - expected).max() <= LARGEST[name], key


def test_the_tools_differ_where_kernels_are_even_or_lopsided():
    image, weights = STORED["image/12x15 1 uint8"], STORED["kernel/4x3"]
    made = {as_tool(name, image, weights).astype(float).round().tobytes() for name in PRESETS}
    assert len(made) == len(PRESETS)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(STORED["image/12x15 3 uint8"]).save(path)
    return path


def test_the_command_does_it_for_kernels_and_for_steps(call, photo, tmp_path):
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    matrix = "3/8 1/8; 2/8 2/8"
    assert call("filter", photo, "-k", matrix, "--compat", "imagemagick", "-o", one).code == 0
    assert call("filter", photo, "--step", matrix, "--compat", "imagemagick", "-o", other).code == 0
    expected = STORED["imagemagick/12x15 3 uint8/2x2"].astype(int)
    for path in (one, other):
        assert np.abs(np.asarray(PIL.Image.open(path)) - expected).max() <= 1


def test_what_is_given_counts_and_what_is_left_is_said(call, photo, tmp_path):
    said = call(
        "filter", photo, "-k", "box", "--compat", "pillow", "--border", "zero", "-o", tmp_path / "a.png"
    )
    assert "note: --compat pillow: pixels whose window reaches beyond the image are filtered" in said.stderr
    plain = call("filter", photo, "-k", "box", "--border", "zero", "-o", tmp_path / "b.png")
    assert (said.code, plain.code) == (0, 0)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_pipeline_says_what_it_stood_for(call, photo, tmp_path):
    file = tmp_path / "p.toml"
    options = ["--step", "1 2; 3 4", "--compat", "vips", "-o", tmp_path / "a.png", "--save-pipeline", file]
    assert call("filter", photo, *options).code == 0
    text = file.read_text()
    assert 'border = "edge"' in text
    assert "anchor = [1, 1]" in text
    assert call("filter", photo, "--pipeline", file, "-o", tmp_path / "b.png").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_manifest_repeats_it(call, photo, tmp_path):
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    options = ["--compat", "scipy", "--out-dir", out, "--manifest", manifest]
    assert call("filter", photo, "-k", "1 2; 3 4", *options).code == 0
    again = call("filter", "--from", manifest, "--out-dir", tmp_path / "again")
    assert again.code == 0, again.stderr
    (one,), (other,) = (list(folder.glob("*.png")) for folder in (out, tmp_path / "again"))
    assert one.read_bytes() == other.read_bytes()


def test_what_cannot_be_is_refused(call, photo, tmp_path):
    unknown = call("filter", photo, "-k", "box", "--compat", "opncv")
    assert (unknown.code, "Did you mean 'opencv'?" in unknown.stderr) == (2, True)
    (tmp_path / "p.toml").write_text('[[steps]]\ntype = "box"\n')
    with_file = call("filter", photo, "--pipeline", tmp_path / "p.toml", "--compat", "vips")
    assert (with_file.code, "a pipeline's file says itself" in with_file.stderr) == (2, True)
    lopsided = call("filter", photo, "--step", "sobel-y", "--compat", "pillow")
    assert (lopsided.code, "upside down" in lopsided.stderr) == (2, True)
