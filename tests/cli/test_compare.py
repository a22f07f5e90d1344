"""`convcli compare`."""

import io
import json

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest


@pytest.fixture
def two(tmp_path):
    """Two images that differ by 5 in one place."""
    pixels = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
    pixels[3, 4, 1] += 5
    PIL.Image.fromarray(pixels).save(tmp_path / "b.png")
    return pixels


def test_the_table_says_where_images_differ(call, two):
    done = call("compare", "a.png", "b.png")
    value = two[3, 4, 1]
    assert done.code == 0
    assert f"largest difference 5 at row 3, column 4 (from 0), green: {value - 5} and {value}" in done.stdout
    assert "equal pixels 99.83 %" in done.stdout
    assert "identical" in call("compare", "a.png", "a.png").stdout


def test_json_has_null_for_an_infinite_psnr_and_says_that_images_are_identical(call, two):
    document = json.loads(call("compare", "a.png", "a.png", "--json").stdout)
    assert document["psnr"] is None
    assert document["identical"] is True
    assert (document["mse"], document["ssim"], document["largest"]) == (0, 1, None)
    document = json.loads(call("compare", "a.png", "b.png", "--json", "--window", "gaussian").stdout)
    assert document["largest"]["difference"] == 5
    assert document["mse"] == 25 / 1800
    assert document["ssim_window"] == "gaussian"


@pytest.mark.parametrize(
    ("limit", "code", "said"),
    [
        (("--max-difference", 5), 0, ""),
        (("--max-difference", 4.9), 3, "largest difference 5, more than 4.9"),
        (("--min-psnr", 60), 0, ""),
        (("--min-psnr", 70), 3, "less than 70 dB"),
        (("--min-ssim", 0.9), 0, ""),
        (("--min-ssim", 1), 3, "less than 1"),
        (("--max-difference", -1), 2, "max-difference"),
        (("--min-psnr", "nan"), 2, "--min-psnr"),
        (("--data-range", "inf"), 2, "--data-range"),
    ],
)
def test_a_check_that_says_no_ends_with_3(call, two, limit, code, said):
    done = call("compare", "a.png", "b.png", *limit)
    assert done.code == code
    assert said in done.stderr
    if code != 2:
        document = json.loads(call("compare", "a.png", "b.png", *limit, "--json").stdout)
        assert [one for one in document["failures"] if said in one] == document["failures"]
        assert bool(document["failures"]) == (code == 3)


def test_ssim_that_cannot_be_had_is_no_ssim_that_is_high_enough(call, tmp_path):
    for n in (0, 1):
        PIL.Image.fromarray(np.full((1, 50), n, np.uint8)).save(tmp_path / f"{n}.png")
    done = call("compare", "0.png", "1.png")
    assert (done.code, "SSIM needs images of at least 7 × 7" in done.stderr) == (0, True)
    assert call("compare", "0.png", "1.png", "--min-ssim", 0.1).code == 2


def test_folders_are_compared_by_name_and_stem(call, two, tmp_path):
    for folder, names in (("one", ("a.png", "b.png", "c.png")), ("two", ("a.png", "b.bmp", "d.png"))):
        (tmp_path / folder).mkdir()
        for name in names:
            PIL.Image.fromarray(two).save(tmp_path / folder / name)
    done = call("compare", "one", "two")
    assert done.stdout.splitlines() == ["a.png  identical", "b.png  identical"]
    assert "1 without another in two, not compared: c.png" in done.stderr
    lines = call("compare", "one", "two", "--json").stdout.splitlines()
    assert [json.loads(line)["b"] for line in lines] == ["two/a.png", "two/b.bmp"]
    PIL.Image.new("L", (3, 3)).save(tmp_path / "one" / "a.png")
    done = call("compare", "one", "two")
    assert (done.code, done.stdout) == (1, "b.png  identical\n")
    assert "1 of 2 pairs could not be compared" in done.stderr
    assert "one/a.png is 3 high" in done.stderr
    lines = call("compare", "one", "two", "--json").stdout.splitlines()
    assert ["error" in json.loads(line) for line in lines] == [True, False]
    assert call("compare", "one", "a.png").code == 2
    assert call("compare", "one", "two", "-o", "x.png").code == 2


def test_a_picture_is_written_and_never_over_an_input(call, two, tmp_path):
    assert call("compare", "a.png", "b.png", "-o", "side.png").code == 0
    with PIL.Image.open(tmp_path / "side.png") as side:
        assert side.size[0] > 3 * 150
    assert "exists already" in call("compare", "a.png", "b.png", "-o", "side.png").stderr
    assert "is an input" in call("compare", "a.png", "b.png", "-o", "a.png", "--force").stderr
    assert "ends in" in call("compare", "a.png", "b.png", "-o", "x.jpg").stderr
    assert "goes with -o" in call("compare", "a.png", "b.png", "--picture", "blink").stderr
    done = call("compare", "a.png", "b.png", "-o", "difference.tif", "--picture", "difference")
    assert "a difference of 5 is white" in done.stderr
    with PIL.Image.open(tmp_path / "difference.tif") as difference:
        pixels = np.asarray(difference)
    assert pixels.shape == two.shape
    assert (np.argwhere(pixels == 255).tolist(), np.count_nonzero(pixels)) == ([[3, 4, 1]], 1)


def test_images_without_a_number_are_no_worse_than_themselves(call, tmp_path):
    np.save(tmp_path / "x.npy", np.full((9, 9), np.nan))
    done = call("compare", "x.npy", "x.npy", "--min-psnr", 50, "--min-ssim", 0.9, "--max-difference", 0)
    assert (done.code, "identical" in done.stdout) == (0, True)


def test_what_is_equal_does_not_blink(call, two, tmp_path):
    assert call("compare", "a.png", "b.png", "-o", "blink.gif").code == 0
    with PIL.Image.open(tmp_path / "blink.gif") as blinking:
        frames = [
            np.asarray(frame.convert("RGB")).astype(int) for frame in PIL.ImageSequence.Iterator(blinking)
        ]
    rows = np.argwhere(np.abs(frames[0] - frames[1]).sum(axis=2))[:, 0]
    assert len(frames) == 2
    assert (rows < 45).any(), "the names differ"
    enlarged = 6
    assert len(set(rows[rows >= 45])) <= enlarged, "only the pixel that differs"


def test_one_image_may_come_through_a_pipe(call, two, tmp_path):
    stdin = io.TextIOWrapper(io.BytesIO((tmp_path / "b.png").read_bytes()))
    assert call("compare", "a.png", "-", "--max-difference", 5, stdin=stdin).code == 0
    assert call("compare", "-", "-").code == 2


def test_all_channels_are_compared(call, tmp_path):
    first = np.random.default_rng(0).integers(0, 256, (9, 12, 5), dtype=np.uint8)
    second = first.copy()
    second[3, 4, 4] ^= 7
    np.save(tmp_path / "a.npy", first)
    np.save(tmp_path / "b.npy", second)
    document = json.loads(call("compare", "a.npy", "b.npy", "--json").stdout)
    assert [one["channel"] for one in document["channels"]] == ["1", "2", "3", "4", "5"]
    assert (document["largest"]["channel"], document["equal_pixels"]) == ("5", 107 / 108)
    assert call("compare", "a.npy", "b.npy", "-o", "side.png").code == 0


def test_other_sizes_are_refused_by_name(call, two, tmp_path):
    PIL.Image.new("L", (5, 6)).save(tmp_path / "small.png")
    done = call("compare", "a.png", "small.png")
    assert done.code == 2
    assert "a.png is 20 high and 30 wide and small.png is 6 high and 5 wide" in done.stderr
