"""`convcli filter` through its entry point: results, reports, refusals, and that refusals write nothing."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from convcli.cli.filter import filter as filter_command
from convcli.engine.plane.borders import BORDERS
from convcli.engine.plane.plan import OPERATIONS
from convcli.filtering import CHANNELS, RANGES, Policy, filter_image
from convcli.images import read

SAMPLES = Path(__file__).parent.parent.parent / "sample_images"
GREY = np.random.default_rng(0).integers(0, 256, (12, 16), np.uint8)


def picture(path):
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def grey(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_sobel_of_a_photo_is_scipys_within_a_grey_level(run, tmp_path):
    result = run("filter", SAMPLES / "astronaut.png", "--kernel", "sobel", "-o", "edges.png")
    assert (result.code, result.stderr) == (0, "")
    luma = picture(SAMPLES / "astronaut.png") @ np.array([0.299, 0.587, 0.114])
    reference = np.hypot(*(ndimage.sobel(luma, axis=axis, mode="mirror") for axis in (0, 1)))
    difference = picture(tmp_path / "edges.png") - np.clip(reference, 0, 255)
    assert np.abs(difference).max() <= 1
    assert result.stdout.startswith("edges.png  320 high, 320 wide  sobel 3 × 3, sum 0  ")
    assert f"responses 0 … {reference.max():.6g}" in result.stdout


def test_result_is_named_after_the_kernel_and_lies_beside_the_input(call, grey, tmp_path):
    folder = tmp_path / "sub"
    folder.mkdir()
    grey.rename(folder / "a.b.png")
    assert call("filter", "sub/a.b.png", "-k", "gaussian:sigma=2").code == 0
    np.testing.assert_array_equal(
        picture(folder / "a.b_gaussian.png"), filter_image(GREY, "gaussian:sigma=2")
    )
    assert call("filter", "sub/a.b.png", "-k", "0 1; 1 0", "--range", "raw").code == 0
    assert np.load(folder / "a.b_custom.npy").dtype == np.float32
    (tmp_path / "mine.csv").write_text("1,2\n3,4\n")
    assert call("filter", "sub/a.b.png", "-k", "@mine.csv", "--format", "tiff").code == 0
    assert (folder / "a.b_mine.tif").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"padding": "valid"},
        {"padding": "full", "border": "zero"},
        {"padding": "3", "border": "constant", "fill": "9.5"},
        {"padding": "2x1", "border": "wrap"},
        {"stride": "2"},
        {"stride": "3x1", "dilation": "2x3"},
        {"op": "convolve", "range": "offset"},
        {"range": "stretch", "border": "symmetric"},
        {"channels": "each", "range": "clip", "border": "edge"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("grey")
def test_options_mean_the_same_as_in_python(call, tmp_path, options):
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    result = call("filter", "grey.png", "-k", "0 1 2; -1 0 1; -2 -1 0", "-o", "out.png", *words, "--json")
    assert result.code == 0, result.stderr
    numbers = {"3": 3, "2x1": (2, 1), "2": 2, "3x1": (3, 1), "2x3": (2, 3), "9.5": 9.5}
    keywords = {name: numbers.get(value, value) for name, value in options.items()}
    expected = filter_image(GREY, [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], **keywords)
    np.testing.assert_array_equal(picture(tmp_path / "out.png"), expected)
    document = json.loads(result.stdout)
    assert document["shape"] == list(expected.shape)
    assert document["op"] == options.get("op", "correlate")


@pytest.mark.usefixtures("grey")
def test_json_is_one_document_and_nothing_else(call):
    result = call("filter", "grey.png", "--kernel", "gaussian:sigma=1.5,size=5", "--json")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["input"] == "grey.png"
    assert document["output"] == "grey_gaussian.png"
    assert document["kernel"] == "gaussian"
    assert document["parameters"] == {"sigma": 1.5, "size": 5}
    assert document["op"] == "correlate"
    assert (document["channels"], document["range"]) == ("each", "clip")
    assert document["input_shape"] == document["shape"] == [12, 16]
    assert document["minimum"] <= document["maximum"] <= 255
    assert document["clipped"] == 0
    assert document["seconds"] > 0


def test_batch_writes_a_json_line_for_each_image(call, tmp_path):
    photos = [SAMPLES / name for name in ("astronaut.png", "chelsea.png", "coffee.jpg", "hubble.png")]
    result = call("filter", *photos, "--kernel", "box", "--out-dir", "a/b", "--json")
    assert (result.code, result.stderr) == (0, "")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["input"] for document in documents] == list(map(str, photos))
    assert [document["output"] for document in documents] == [f"a/b/{path.stem}_box.png" for path in photos]
    assert all((tmp_path / document["output"]).exists() for document in documents)
    assert {document["dtype"] for document in documents} == {"uint8", "uint16"}


def test_alpha_orientation_and_depth_survive(call, tmp_path):
    names = ("chelsea.png", "coffee.jpg", "hubble.png")
    assert call("filter", *(SAMPLES / name for name in names), "-k", "gaussian", "--out-dir", ".").code == 0
    cat = picture(tmp_path / "chelsea_gaussian.png")
    np.testing.assert_array_equal(cat[..., 3], picture(SAMPLES / "chelsea.png")[..., 3])
    with PIL.Image.open(tmp_path / "coffee_gaussian.png") as coffee:
        assert coffee.size == (600, 400)
        assert 0x0112 not in coffee.getexif()
        assert coffee.getexif()[0x013B] == "Rachel Michetti"
        assert coffee.info["dpi"] == pytest.approx((72, 72), abs=0.1)
    assert picture(tmp_path / "hubble_gaussian.png").dtype == np.uint16


def piped(*args, data=b"", cwd):
    command = [sys.executable, "-m", "convcli", "filter", *map(str, args)]
    return subprocess.run(command, input=data, capture_output=True, cwd=cwd, check=False)


def test_image_passes_through_standard_input_and_output(grey, tmp_path):
    for words in (("-", "-o", "-"), ("-",), (grey, "-o", "-")):
        done = piped(*words, "-k", "sobel", "--format", "png", data=grey.read_bytes(), cwd=tmp_path)
        assert done.returncode == 0
        np.testing.assert_array_equal(picture(io.BytesIO(done.stdout)), filter_image(GREY, "sobel"))
        assert "standard output  12 high, 16 wide  sobel 3 × 3, sum 0  " in done.stderr.decode()
    assert files(tmp_path) == ["grey.png"]


def test_standard_input_may_be_written_to_a_file(grey, tmp_path):
    assert piped("-", "-k", "sobel", "-o", "x.png", data=grey.read_bytes(), cwd=tmp_path).returncode == 0
    assert piped("-", "-k", "sobel", "--out-dir", "o", data=grey.read_bytes(), cwd=tmp_path).returncode == 0
    assert files(tmp_path) == ["grey.png", "o", "o/stdin_sobel.png", "x.png"]


@pytest.mark.usefixtures("grey")
def test_raw_values_are_written_as_floats(call, tmp_path):
    for name in ("out.npy", "out.tif"):
        assert call("filter", "grey.png", "-k", "laplacian", "--range", "raw", "-o", name).code == 0
    reference = ndimage.correlate(GREY.astype(float), [[0, 1, 0], [1, -4, 1], [0, 1, 0]], mode="mirror")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), reference)
    np.testing.assert_array_equal(picture(tmp_path / "out.tif"), reference)
    assert picture(tmp_path / "out.tif").dtype == np.float32


def test_alpha_left_out_of_raw_values_is_said(call):
    result = call(
        "filter", SAMPLES / "chelsea.png", "-k", "sobel", "--range", "raw", "-o", "out.npy", "--json"
    )
    assert "without the alpha channel" in result.stderr
    assert json.loads(result.stdout)["range"] == "raw"


def test_conversions_are_said_on_stderr(call, tmp_path):
    PIL.Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(tmp_path / "print.tif")
    result = call("filter", "print.tif", "-k", "box", "--json")
    assert result.stderr == "note: print.tif: CMYK was converted to RGB without a profile, as it has none.\n"
    json.loads(result.stdout)


def test_what_libtiff_has_to_say_is_not_said(run, tmp_path):
    tags = {40_000: "a tag of a stranger"}
    picture = PIL.Image.fromarray(GREY)
    for name, options in (("odd.tif", {"tiffinfo": tags}), ("cut.tif", {})):
        picture.save(tmp_path / name, compression="tiff_lzw", **options)
    whole = (tmp_path / "cut.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[:20] + b"\xff" * 40 + whole[60:])
    result = run("filter", "odd.tif", "cut.tif", "-k", "box", "--out-dir", "out", "--keep-going")
    assert result.code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["error", "  cut.tif"]
    alone = run("filter", "cut.tif", "-k", "box")
    assert (alone.code, len(alone.stderr.splitlines())) == (1, 1)


@pytest.mark.usefixtures("grey")
def test_existing_file_is_overwritten_only_by_force(call, tmp_path):
    (tmp_path / "grey_sobel.png").write_bytes(b"mine")
    result = call("filter", "grey.png", "-k", "sobel")
    assert (result.code, result.stdout) == (1, "")
    assert "grey_sobel.png exists" in result.stderr
    assert "--force" in result.stderr
    assert (tmp_path / "grey_sobel.png").read_bytes() == b"mine"
    assert call("filter", "grey.png", "-k", "sobel", "--force").code == 0
    np.testing.assert_array_equal(picture(tmp_path / "grey_sobel.png"), filter_image(GREY, "sobel"))


@pytest.mark.parametrize("kind", ["itself", "another spelling", "symlink", "hardlink", "another input"])
def test_input_is_never_overwritten(call, grey, tmp_path, kind):
    before = grey.read_bytes()
    inputs, target = (
        ["grey.png"],
        {"itself": "grey.png", "another spelling": "../x/grey.png"}.get(kind, "t.png"),
    )
    if kind == "another spelling":
        target = f"../{tmp_path.name}/grey.png"
    elif kind == "symlink":
        (tmp_path / "t.png").symlink_to(grey)
    elif kind == "hardlink":
        os.link(grey, tmp_path / "t.png")
    words = ["-o", target]
    if kind == "another input":
        (tmp_path / "grey_sobel.png").write_bytes(before)
        inputs, words = ["grey.png", "grey_sobel.png"], []
    result = call("filter", *inputs, "-k", "sobel", "--force", *words)
    assert (result.code, result.stdout) == (2, "")
    assert "is an input" in result.stderr
    assert grey.read_bytes() == before
    assert all((tmp_path / name).read_bytes() == before for name in inputs)


unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@unix
@pytest.mark.parametrize("words", [[], ["--force"]])
def test_devices_are_written_into(call, grey, words):
    before = Path(os.devnull).stat()
    for place, code, said in (
        (os.devnull, 0, "box 3 × 3"),
        ("/dev/full", 1, "error: /dev/full: cannot be written (No space left on device).\n"),
    ):
        result = call("filter", grey, "-k", "box", "-o", place, "--format", "png", *words)
        assert (result.code, said in result.stdout + result.stderr) == (code, True), result
    assert Path(os.devnull).stat().st_mode == before.st_mode
    result = call("filter", grey, "-k", "box", "-o", os.devnull, *words)
    assert result.code == 2
    assert "--format png" in result.stderr
    assert "--force" not in result.stderr


@unix
def test_dev_stdout_is_standard_output_wherever_that_leads(grey, tmp_path):
    command = [sys.executable, "-m", "convcli", "filter", str(grey), "-k", "box", "--format", "png", "-o"]
    plain = subprocess.run([*command, "-"], capture_output=True, check=True).stdout
    assert subprocess.run([*command, "/dev/stdout"], capture_output=True, check=True).stdout == plain
    with (tmp_path / "log").open("wb") as file:
        file.write(b"before")
        file.flush()
        subprocess.run([*command, "/dev/stdout"], stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert (tmp_path / "log").read_bytes() == b"before" + plain
    refused = subprocess.run([*command, "/dev/stdout", "--json"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")


@unix
@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_standard_output_that_leads_into_the_input_is_refused(grey, output):
    before = grey.read_bytes()
    with grey.open("ab") as file:
        command = [sys.executable, "-m", "convcli", "filter", str(grey), "-k", "box", "--format", "png"]
        ended = subprocess.run([*command, "-o", output], stdout=file, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, grey.read_bytes()) == (2, before)
    assert b"Standard output is an input, and an input is never overwritten" in ended.stderr


@unix
def test_a_link_is_followed_and_the_result_takes_the_place_of_its_target(call, grey, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link.png").symlink_to("a/real.png")
    assert call("filter", grey, "-k", "box", "-o", "link.png").code == 0
    (tmp_path / "a" / "real.png").chmod(0o600)
    refused = call("filter", grey, "-k", "sobel", "-o", "link.png")
    assert refused.code == 1
    assert "link.png → " in refused.stderr
    assert call("filter", grey, "-k", "sobel", "-o", "link.png", "--force").code == 0
    assert (tmp_path / "link.png").is_symlink()
    assert stat.S_IMODE((tmp_path / "a" / "real.png").stat().st_mode) == 0o600
    call("filter", grey, "-k", "sobel", "-o", "plain.png")
    assert (tmp_path / "a" / "real.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_a_kernels_file_is_an_input_too(call, grey, tmp_path):
    np.save(tmp_path / "kernel.npy", np.ones((3, 3)))
    before = (tmp_path / "kernel.npy").read_bytes()
    result = call("filter", grey, "-k", "@kernel.npy", "-o", "kernel.npy", "--range", "raw", "--force")
    assert (result.code, (tmp_path / "kernel.npy").read_bytes()) == (2, before)
    assert "kernel.npy is an input, and an input is never overwritten" in result.stderr


def test_two_inputs_of_one_name_are_refused_before_anything_is_written(call, grey, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "grey.png").write_bytes(grey.read_bytes())
    before = files(tmp_path)
    result = call("filter", "grey.png", "sub/grey.png", "-k", "sobel", "--out-dir", "o")
    assert (result.code, result.stdout) == (2, "")
    assert "grey.png and sub/grey.png would both be written to o/grey_sobel.png" in result.stderr
    assert files(tmp_path) == before


def test_batch_checks_all_outputs_before_it_writes_the_first(call, grey, tmp_path):
    (tmp_path / "second.png").write_bytes(grey.read_bytes())
    (tmp_path / "second_sobel.png").write_bytes(b"mine")
    before = files(tmp_path)
    result = call("filter", "grey.png", "second.png", "-k", "sobel")
    assert result.code == 1
    assert "second_sobel.png" in result.stderr
    assert files(tmp_path) == before


def test_batch_stops_at_a_bad_image_and_names_it(call, grey, tmp_path):
    (tmp_path / "bad.png").write_bytes(grey.read_bytes()[:60])
    result = call("filter", "grey.png", "bad.png", "-k", "sobel")
    assert result.code == 1
    assert "\nerror: bad.png: " in f"\n{result.stderr}"
    assert files(tmp_path) == ["bad.png", "grey.png", "grey_sobel.png"]


@pytest.mark.usefixtures("grey")
def test_compression_and_threads_change_the_file_but_not_the_pixels(call, tmp_path):
    sizes, pixels = [], []
    for number, words in enumerate(([], ["--compress", "0"], ["--compress", "9"], ["--threads", "2"])):
        assert call("filter", "grey.png", "-k", "sobel", "-o", f"{number}.png", *words).code == 0
        sizes.append((tmp_path / f"{number}.png").stat().st_size)
        pixels.append(picture(tmp_path / f"{number}.png").tobytes())
    assert len(set(pixels)) == 1
    assert sizes[0] == sizes[3] < sizes[1]


def test_edges_of_a_jpeg_are_those_of_its_brightness(call, tmp_path):
    result = call("filter", SAMPLES / "coffee.jpg", "-k", "sobel", "-o", "edges.png", "--json")
    assert json.loads(result.stdout)["input_shape"] == [400, 600, 3]
    brightness = read(SAMPLES / "coffee.jpg", luma=True).pixels
    np.testing.assert_array_equal(picture(tmp_path / "edges.png"), filter_image(brightness, "sobel"))


REFUSALS: dict[str, tuple[list[str | Path], int, list[str]]] = {
    "missing file": (["none.png", "-k", "sobel"], 1, ["none.png", "no such file"]),
    "missing file in a batch": (["grey.png", "none.png", "-k", "sobel"], 1, ["none.png", "no such file"]),
    "folder without --out-dir": (["folder.png", "-k", "sobel"], 2, ["folder.png is a folder", "--out-dir"]),
    "truncated PNG": (["cut.png", "-k", "sobel"], 1, ["cut.png", "cut short"]),
    "truncated JPEG": (["cut.jpg", "-k", "sobel"], 1, ["cut.jpg", "cut short"]),
    "text named .png": (["text.png", "-k", "sobel"], 1, ["text.png", "found text"]),
    "empty file": (["empty.png", "-k", "sobel"], 1, ["empty.png", "0 bytes"]),
    "empty standard input": (["-", "-k", "sobel", "-o", "x.png"], 1, ["standard input", "0 bytes"]),
    "kernel larger than a valid image": (
        ["grey.png", "-k", "box:size=13", "--padding", "valid"],
        2,
        ["13 cells", "12 cells"],
    ),
    "ragged kernel": (["grey.png", "-k", "1 2; 3"], 2, ["row 2", "expected 2"]),
    "NaN in a kernel": (["grey.png", "-k", "1 nan"], 2, ["row 1, column 2", "nan"]),
    "empty kernel": (["grey.png", "-k", ""], 2, ["empty"]),
    "kernel file missing": (["grey.png", "-k", "@none.csv"], 1, ["none.csv"]),
    "unknown kernel": (["grey.png", "-k", "sobl"], 2, ["'sobl'", "'sobel'"]),
    "unknown parameter": (["grey.png", "-k", "box:sise=3"], 2, ["'sise'", "'size'"]),
    "stride 0": (["grey.png", "-k", "sobel", "--stride", "0"], 2, ["stride", "0"]),
    "stride that is no number": (["grey.png", "-k", "sobel", "--stride", "2x"], 2, ["--stride", "'2x'"]),
    "dilation 0": (["grey.png", "-k", "sobel", "--dilation", "0"], 2, ["dilation"]),
    "negative padding": (["grey.png", "-k", "sobel", "--padding", "-1"], 2, ["--padding", "'-1'"]),
    "unknown padding": (["grey.png", "-k", "sobel", "--padding", "half"], 2, ["--padding", "'half'"]),
    "unbounded padding": (
        ["grey.png", "-k", "sobel", "--padding", "999999999"],
        2,
        ["grey.png", "too large"],
    ),
    "unknown border": (["grey.png", "-k", "sobel", "--border", "reflct"], 2, ["'reflect'"]),
    "unknown channels": (["grey.png", "-k", "sobel", "--channels", "grey"], 2, ["'gray'"]),
    "unknown range": (["grey.png", "-k", "sobel", "--range", "strech"], 2, ["'stretch'"]),
    "unknown operation": (["grey.png", "-k", "sobel", "--op", "conv"], 2, ["'convolve'"]),
    "fill without constant": (["grey.png", "-k", "sobel", "--fill", "3"], 2, ["--fill", "--border constant"]),
    "fill that is no number": (
        ["grey.png", "-k", "sobel", "--border", "constant", "--fill", "nan"],
        2,
        ["fill"],
    ),
    "unknown format": (["grey.png", "-k", "sobel", "--format", "jpg"], 2, ["'jpeg'"]),
    "unknown ending": (["grey.png", "-k", "sobel", "-o", "x.xyz"], 2, ["x.xyz", ".png"]),
    "no folder for the output": (
        ["grey.png", "-k", "sobel", "-o", "no/x.png"],
        1,
        ["no/x.png", "does not exist"],
    ),
    "folder as the output": (
        ["grey.png", "-k", "sobel", "-o", "folder.png"],
        1,
        ["folder.png", "found a folder", "name a file in it"],
    ),
    "file as the output's folder": (
        ["grey.png", "-k", "sobel", "-o", "text.png/x.png"],
        1,
        ["text.png is a file, not a folder"],
    ),
    "file as the output folder": (
        ["grey.png", "-k", "sobel", "--out-dir", "text.png"],
        1,
        ["text.png is a file, not a folder"],
    ),
    "file above the output folder": (
        ["grey.png", "-k", "sobel", "--out-dir", "text.png/o"],
        1,
        ["text.png/o"],
    ),
    "-o for many": (["grey.png", "other.png", "-k", "sobel", "-o", "x.png"], 2, ["2 images", "--out-dir"]),
    "-o and --out-dir": (["grey.png", "-k", "sobel", "-o", "x.png", "--out-dir", "o"], 2, ["--out-dir"]),
    "one input twice": (["grey.png", "grey.png", "-k", "sobel"], 2, ["Two results of grey.png"]),
    "standard input twice": (["-", "-", "-k", "sobel", "--out-dir", "o"], 2, ["only once"]),
    "standard output for many": (["-", "grey.png", "-k", "sobel", "--format", "png"], 2, ["only one image"]),
    "standard output without a format": (["grey.png", "-k", "sobel", "-o", "-"], 2, ["--format"]),
    "JSON and image on standard output": (
        ["grey.png", "-k", "box", "-o", "-", "--format", "png", "--json"],
        2,
        ["--json"],
    ),
    "JPEG of alpha": (
        [SAMPLES / "chelsea.png", "-k", "box", "-o", "x.jpg"],
        1,
        ["x.jpg", "transparency", ".png"],
    ),
    "JPEG of 16 bits": ([SAMPLES / "hubble.png", "-k", "box", "-o", "x.jpg"], 1, ["x.jpg", "uint16", ".png"]),
    "raw values as PNG": (
        ["grey.png", "-k", "box", "--range", "raw", "-o", "x.png"],
        1,
        ["x.png", ".tif or .npy"],
    ),
    "compression of a JPEG": (
        ["grey.png", "-k", "sobel", "-o", "x.jpg", "--compress", "3"],
        2,
        ["--compress", "PNG"],
    ),
    "compression beyond 9": (["grey.png", "-k", "sobel", "--compress", "10"], 2, ["--compress", "10"]),
    "no threads": (["grey.png", "-k", "sobel", "--threads", "0"], 2, ["--threads", "0"]),
    "no kernel": (["grey.png"], 2, ["--kernel"]),
    "no image": (["-k", "sobel"], 2, ["IMAGE"]),
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_is_one_clear_error_and_writes_nothing(call, grey, tmp_path, case):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "cut.png").write_bytes(grey.read_bytes()[:60])
    photo = (SAMPLES / "coffee.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (tmp_path / "text.png").write_text("not an image\n")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "other.png").write_bytes(grey.read_bytes())
    before = files(tmp_path)
    arguments, code, words = REFUSALS[case]
    result = call("filter", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) <= 2
    assert all(word in result.stderr for word in words), result.stderr
    assert files(tmp_path) == before


@pytest.mark.usefixtures("grey")
def test_terminal_is_no_place_for_an_image(call, tmp_path, monkeypatch):
    result = call("filter", "-", "-k", "sobel", "-o", "x.png", stdin=Terminal())
    assert (result.code, "Standard input is a terminal" in result.stderr) == (2, True)
    monkeypatch.setattr(sys, "stdout", Terminal())
    result = call("filter", "grey.png", "-k", "sobel", "-o", "-", "--format", "png")
    assert (result.code, "Standard output is a terminal" in result.stderr) == (2, True)
    assert files(tmp_path) == ["grey.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("grey")
def test_folder_that_cannot_be_written_to_is_refused(call, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    result = call("filter", "grey.png", "-k", "sobel", "-o", "locked/x.png")
    assert result.code == 1
    assert "cannot be written to" in result.stderr


def test_help_has_examples_names_every_choice_and_the_operation(call):
    result = call("filter", "--help", env={"COLUMNS": "200"})
    assert result.code == 0
    assert "convcli filter photo.jpg --kernel sobel" in result.stdout
    assert "cross-correlation" in result.stdout
    for choices in (BORDERS, CHANNELS, RANGES, OPERATIONS):
        for choice in choices:
            assert choice in result.stdout


@pytest.mark.usefixtures("grey")
def test_a_format_without_a_name_is_none(call):
    refused = call("filter", "grey.png", "-k", "box", "-o", "o.png", "--format", "")
    assert (refused.code, refused.stdout) == (2, "")
    assert "Unknown image format ''" in refused.stderr


def test_every_option_has_a_say():
    """By its name in the command, or by the name under which it is handed on."""
    source = ast.walk(ast.parse(inspect.getsource(filter_command)))
    named = {node.id for node in source if isinstance(node, ast.Name)}
    handed_on = {field.name for field in dataclasses.fields(Policy)}
    handed_on |= {"kernel", "step", "pipeline", "scale", "normalize", "anchor", "gradient", "compat"}
    options = set(inspect.signature(filter_command).parameters)
    assert options - named <= handed_on <= options
