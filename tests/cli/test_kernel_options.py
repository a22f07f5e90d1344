"""What `filter` and `kernels` do to weights: several kernels, scale, normalize, anchor, offset, borders."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from convcli.engine.plane.borders import BORDERS, PATTERNS
from convcli.filtering import filter_image

GREY = np.random.default_rng(0).integers(0, 256, (9, 11), np.uint8)


@pytest.fixture(autouse=True)
def images(tmp_path):
    for name in ("a.png", "b.png"):
        PIL.Image.fromarray(GREY).save(tmp_path / name)
    return tmp_path


def raw(call, *options):
    assert call("filter", "a.png", *options, "--range", "raw", "-o", "raw.npy", "--force").code == 0
    return np.load("raw.npy")


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_line_and_json_tell_the_kernels_size_and_sum(call):
    assert "custom 2 × 3, sum 21  " in call("filter", "a.png", "-k", "1 2 3; 4 5 6").stdout
    line = call("filter", "a.png", "-k", "kirsch", "--json").stdout
    assert (json.loads(line)["kernel_shape"], json.loads(line)["kernel_sum"]) == ([3, 3], [0.0] * 8)


def test_each_of_several_kernels_makes_a_result(call, tmp_path):
    done = call("filter", "a.png", "b.png", "-k", "sobel", "-k", "box:size=5", "--out-dir", "o", "--json")
    assert done.code == 0
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["output"] for document in documents] == [
        "o/a_sobel.png",
        "o/a_box.png",
        "o/b_sobel.png",
        "o/b_box.png",
    ]
    for name, kernel in (("b_sobel", "sobel"), ("b_box", "box:size=5")):
        with PIL.Image.open(tmp_path / f"o/{name}.png") as made:
            np.testing.assert_array_equal(np.asarray(made), filter_image(GREY, kernel))


def test_kernels_of_one_name_are_told_apart_by_parameters_or_counted(call, tmp_path):
    names = ("-k", "gaussian:sigma=1", "-k", "gaussian:sigma=2.5", "-k", "1 2", "-k", "3 4")
    assert call("filter", "a.png", *names, "--out-dir", "o").code == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir() if path.suffix == ".png") == [
        "a_custom-3.png",
        "a_custom-4.png",
        "a_gaussian-sigma=1.png",
        "a_gaussian-sigma=2.5.png",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "x.png"], "-o names one file, but there are 2 kernels; use --out-dir"),
        (["-o", "-", "--format", "png"], "use --out-dir"),
    ],
)
def test_several_kernels_do_not_fit_one_output(call, tmp_path, options, words):
    result = call("filter", "a.png", "-k", "sobel", "-k", "box", *options)
    assert (result.code, result.stdout) == (2, "")
    assert words in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_kernel_given_twice_is_refused(call):
    result = call("filter", "a.png", "-k", "sobel", "-k", "sobel")
    assert (result.code, "--kernel sobel is given twice" in result.stderr) == (2, True)


def test_resume_knows_each_kernel_and_what_was_done_to_it(call):
    both = ("filter", "a.png", "b.png", "-k", "sobel", "-k", "box", "--out-dir", "o", "--resume")
    assert call(*both).code == 0
    assert "4 of 4 results were finished already" in call(*both).stderr
    some = ("filter", "a.png", "b.png", "-k", "box", "--out-dir", "o", "--resume")
    assert "2 of 2 images were finished already" in call(*some).stderr
    for changed in (["--scale", "2"], ["--offset", "3"], ["--anchor", "0,0"]):
        again = call(*some, *changed)
        assert (again.code, "made otherwise" in again.stderr) == (2, True), changed


@pytest.mark.parametrize(
    ("text", "factor"), [("1/256", 1 / 256), ("0.5", 0.5), ("-2", -2), ("1e-3", 1e-3), ("3", 3)]
)
def test_scale_multiplies_the_weights(call, text, factor):
    np.testing.assert_allclose(
        raw(call, "-k", "1 2; 3 4", f"--scale={text}"), factor * raw(call, "-k", "1 2; 3 4"), rtol=1e-6
    )
    shown = json.loads(call("kernels", "1 2; 3 4", f"--scale={text}", "--json").stdout)
    assert (shown["sum"], shown["scale"]) == (pytest.approx(10 * factor), factor)


@pytest.mark.parametrize("text", ["0", "nan", "x", "1/0", "0,5", "1e400", "9" * 5000, ""])
def test_scale_that_is_none_is_refused(call, text):
    for command in (["filter", "a.png", "-k", "box"], ["kernels", "box"]):
        result = call(*command, f"--scale={text}")
        assert (result.code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: --scale: expected a ")
        assert len(result.stderr) < 300


@pytest.mark.parametrize(
    ("kernel", "sums", "sizes"),
    [
        ("1 2 1; 2 4 2; 1 2 1", [1], [1]),
        ("5 -1", [1], [1.5]),
        (" -1 -3", [1], [1]),
        ("laplacian8", [0], [1]),
        ("sobel", [0, 0], [1, 1]),
        ("sharpen", [1], [9]),
    ],
)
def test_normalize_makes_the_sum_1_or_the_absolute_sum_of_edges(call, kernel, sums, sizes):
    shown = json.loads(call("kernels", kernel, "--normalize", "--json").stdout)
    assert np.atleast_1d(shown["sum"]) == pytest.approx(sums, abs=1e-12)
    weights = np.array(shown["weights"]).reshape(len(sums), -1)
    assert np.abs(weights).sum(axis=1) == pytest.approx(sizes)
    assert shown["normalized"] is True
    twice = json.loads(call("kernels", kernel, "--normalize", "--scale", "1/2", "--json").stdout)
    np.testing.assert_allclose(np.array(twice["weights"]), np.array(shown["weights"]) / 2)


def test_weights_that_are_all_zero_are_not_normalized(call):
    result = call("filter", "a.png", "-k", "0 0", "--normalize")
    assert (result.code, "all 0" in result.stderr) == (2, True)


def test_offset_is_added_before_the_range(call, tmp_path):
    np.testing.assert_allclose(
        raw(call, "-k", "sobel-x", "--offset", "-7.5"), raw(call, "-k", "sobel-x") - 7.5, atol=1e-4
    )
    result = call("filter", "a.png", "-k", "sobel-x", "--offset", "128", "-o", "o.png", "--json")
    assert json.loads(result.stdout)["range"] == "clip"
    expected = np.clip(np.rint(filter_image(GREY, "sobel-x", range="raw") + 128), 0, 255)
    with PIL.Image.open(tmp_path / "o.png") as made:
        np.testing.assert_array_equal(np.asarray(made), expected)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("abs", lambda v: np.abs(v)), ("offset", lambda v: v + 128), ("clip", lambda v: v)],
)
def test_offset_meets_each_range(policy, expected):
    responses = filter_image(GREY, "sobel-y", range="raw") + 20
    made = filter_image(GREY, "sobel-y", range=policy, offset=20)
    np.testing.assert_array_equal(made, np.clip(np.rint(expected(responses)), 0, 255))
    np.testing.assert_array_equal(
        filter_image(GREY, "sobel-y", range="stretch", offset=20),
        filter_image(GREY, "sobel-y", range="stretch"),
    )


def test_offset_is_in_the_units_of_16_bits():
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(
        filter_image(deep, "identity", offset=1000), np.minimum(deep.astype(int) + 1000, 65535)
    )


@pytest.mark.parametrize("op", ["correlate", "convolve"])
@pytest.mark.parametrize("border", BORDERS)
def test_anchor_is_scipys_origin(border, op):
    modes = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "grid-wrap"}
    mode = modes.get(border, "constant")
    kernel = np.arange(1.0, 9).reshape(2, 4)
    for anchor in ((1, 2), (0, 0), (1, 0), (0, 3)):
        ours = filter_image(GREY, kernel, range="raw", border=border, op=op, anchor=anchor)
        turned = kernel[::-1, ::-1] if op == "convolve" else kernel
        place = [f - 1 - a if op == "convolve" else a for f, a in zip(kernel.shape, anchor, strict=True)]
        origin = [a - f // 2 for f, a in zip(kernel.shape, place, strict=True)]
        reference = ndimage.correlate(GREY.astype(float), turned, mode=mode, origin=origin)
        np.testing.assert_allclose(ours, reference, rtol=1e-5)
        some = filter_image(
            GREY, kernel, range="raw", border=border, op=op, anchor=anchor, stride=(2, 3), padding="same"
        )
        np.testing.assert_allclose(some, ours[::2, ::3], rtol=1e-5)


def test_default_of_even_sizes_is_pytorchs_and_half_the_size_opencvs():
    cv2 = pytest.importorskip("cv2")
    kernel = np.array([[1.0, 2], [3, 4]])
    ours = filter_image(GREY, kernel, range="raw", anchor=(1, 1))
    np.testing.assert_allclose(ours, cv2.filter2D(GREY, cv2.CV_32F, kernel), rtol=1e-6)
    own = filter_image(GREY, kernel, range="raw")
    np.testing.assert_allclose(own, cv2.filter2D(GREY, cv2.CV_32F, kernel, anchor=(0, 0)), rtol=1e-6)


def test_anchor_moves_alpha_with_the_pixels_and_leaves_whole_windows_alone():
    image = np.dstack([GREY, np.arange(1, 100, dtype=np.uint8).reshape(9, 11)])
    kernel = [[0.0, 1], [0, 0]]
    moved = filter_image(image, kernel, anchor=(0, 1))
    np.testing.assert_array_equal(moved, image)
    whole = [filter_image(GREY, kernel, padding="valid", anchor=anchor) for anchor in ((0, 0), (1, 1))]
    np.testing.assert_array_equal(*whole)


@pytest.mark.parametrize("text", ["2,0", "0,2", "1", "a,b", "-1,0", "1,1,1", ""])
def test_anchor_outside_the_kernel_is_refused(call, text):
    result = call("filter", "a.png", "-k", "1 2; 3 4", f"--anchor={text}")
    assert (result.code, result.stdout) == (2, "")
    assert "anchor" in result.stderr


@pytest.mark.parametrize(
    ("name", "border"),
    [
        ("mirror", "reflect"),
        ("reflect101", "reflect"),
        ("BORDER_REFLECT_101", "reflect"),
        ("nearest", "edge"),
        ("replicate", "edge"),
        ("clamp", "edge"),
        ("circular", "wrap"),
        ("grid-wrap", "wrap"),
        ("grid_mirror", "symmetric"),
        ("zeros", "zero"),
        ("Reflect", "reflect"),
    ],
)
def test_other_tools_names_mean_their_border(call, name, border):
    result = call("filter", "a.png", "-k", "box", "--border", name, "-o", "x.png", "--json")
    assert json.loads(result.stdout)["border"] == border


@pytest.mark.parametrize("mode", ["mirror", "nearest", "grid-mirror", "grid-wrap", "grid-constant"])
def test_scipys_own_names_give_scipys_values(mode):
    kernel = np.random.default_rng(1).random((5, 5))
    np.testing.assert_allclose(
        filter_image(GREY, kernel, range="raw", border=mode),
        ndimage.correlate(GREY.astype(float), kernel, mode=mode),
        rtol=1e-5,
    )


def test_a_border_that_tools_do_not_agree_about_is_asked_for(call):
    result = call("filter", "a.png", "-k", "box", "--border", "repeat")
    assert (result.code, result.stdout) == (2, "")
    assert "edge (aaa|abcd|ddd) or wrap (bcd|abcd|abc)" in result.stderr


def test_help_shows_each_border(call):
    text = "".join(call("filter", "--help").stdout.split())
    assert all(f"{border}{pattern}" in text for border, pattern in PATTERNS.items() if border != "symmetric")
    assert PATTERNS["symmetric"] in text
