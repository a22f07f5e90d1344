"""`convcli predict`: on image files, the same answers as evaluate on the same images."""

from __future__ import annotations

import csv
import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from convcli.data import load_data
from convcli.runs import checkpoints
from convcli.runs.folder import Run


@pytest.fixture(scope="module")
def digits(trained):
    """Return the test images of the run."""
    file = checkpoints.run_config(Run.open(trained))
    return load_data(file.config.data, file.base, 0).test


@pytest.fixture
def written(digits, tmp_path):
    """Return the names of the test images as PNG files."""
    for number, pixels in enumerate(digits.images):
        Image.fromarray(pixels[..., 0]).save(tmp_path / f"{number:03}.png")
    return [f"{number:03}.png" for number in range(len(digits))]


def test_files_get_the_classes_that_evaluate_counts(call, trained, digits, written):
    result = call("predict", trained, *written, "--json")
    assert (result.code, result.stderr) == (0, "")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == written
    named = np.array([int(answer["class"]) for answer in answers])

    np.testing.assert_array_equal(named, checkpoints.load_run(trained).outputs(digits.images).argmax(1))
    figures = json.loads(call("evaluate", trained, "--json").stdout)
    assert (named == digits.labels).mean() == figures["accuracy"]


def test_the_most_probable_classes_come_first(call, trained, digits, written):
    (line,) = call("predict", trained, written[0], "--top", 10, "--json").stdout.splitlines()
    top = json.loads(line)["top"]
    shares = [answer["probability"] for answer in top]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert sorted(answer["class"] for answer in top) == [str(number) for number in range(10)]
    expected = checkpoints.load_run(trained).predict(digits.images[:1])[0]
    np.testing.assert_allclose(shares, np.sort(expected)[::-1], rtol=1e-5)


def test_lines_for_a_person(call, trained, written):
    result = call("predict", trained, *written[:2], "--top", 2)
    assert result.code == 0
    for name, line in zip(written, result.stdout.splitlines(), strict=False):
        assert line.startswith(f"{name}: ")
        assert line.count("%") == 2


def test_images_of_another_size_and_mode_are_fitted(call, trained, digits, tmp_path):
    small = Image.fromarray(digits.images[3][..., 0])
    small.resize((40, 40), Image.Resampling.NEAREST).convert("RGB").save(tmp_path / "large.png")
    answer = json.loads(call("predict", trained, "large.png", "--json").stdout)
    assert answer["class"] == str(checkpoints.load_run(trained).outputs(digits.images[3:4]).argmax())


def test_a_file_that_cannot_be_read_is_one_error(call, trained, tmp_path):
    (tmp_path / "text.png").write_text("this is no image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for name in ("none.png", "text.png", "empty.png", "folder"):
        result = call("predict", trained, name)
        assert (result.code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"error: {name}: ")


def test_what_is_no_run_is_one_error(call):
    result = call("predict", "nowhere", "x.png")
    assert result.code == 1
    assert result.stderr.startswith("error: nowhere: not a run (there is no such folder).")


@pytest.fixture
def scans(written, tmp_path):
    """Return a folder of five digits, and what lies beside them."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in written[:5]:
        (tmp_path / name).rename(folder / name)
    (folder / "readme.txt").write_text("about them")
    return folder


@pytest.mark.parametrize(
    "names", [["scans"], ["scans/*.png"], ["sc*"], ["scans/00[0-1].png", "scans/00[2-4].png"]]
)
def test_folders_and_patterns_stand_for_the_images_in_them(call, trained, scans, names):
    told = call("predict", trained, *names, "--json")
    assert told.code == 0, told.stderr
    listed = [json.loads(line)["image"] for line in told.stdout.splitlines()]
    assert listed == [f"scans/{number:03}.png" for number in range(5)]
    alone = call("predict", trained, *listed, "--json")
    assert alone.stdout == told.stdout
    assert ("passed over" in told.stderr) == (names[0] in ("scans", "sc*"))


def test_what_a_pattern_matches_besides_images_is_passed_over(call, trained, scans, tmp_path):
    (tmp_path / "scans/empty.png").mkdir()
    (tmp_path / "scans/lost.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "scans/pipe.png")
    done = call("predict", trained, "scans/*.png")
    assert done.code == 0, done.stderr
    assert "3 passed over (scans/empty.png, scans/lost.png, scans/pipe.png): no files, or" in done.stderr


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(call, trained, scans, tmp_path):
    (scans / "000.png").rename(tmp_path / "a[1].png")
    assert call("predict", trained, "a[1].png").stdout.startswith("a[1].png: ")


def test_a_pattern_without_a_match_is_one_error(call, trained, tmp_path):
    result = call("predict", trained, "none-*.png")
    assert result == (1, "", "error: none-*.png: no such file, and none that it matches as a pattern.\n")


def test_keep_going_tells_the_others_and_lists_what_failed(call, trained, scans):
    (scans / "001.png").write_text("no image")
    stopped = call("predict", trained, "scans", "--json")
    assert stopped.code == 1
    assert [json.loads(line)["image"] for line in stopped.stdout.splitlines()] == ["scans/000.png"]
    went_on = call("predict", trained, "scans", "scans/none.png", "--json", "--keep-going")
    assert went_on.code == 1
    assert len(went_on.stdout.splitlines()) == 4
    assert "error: 2 of 6 images could not be read; the others are done.\n  scans/001.png: " in went_on.stderr
    assert "\n  scans/none.png: " in went_on.stderr


@pytest.mark.parametrize("top", [1, 2, 99])
def test_csv_is_read_back_whatever_the_names_are(call, trained, scans, top):
    strange = 'a "quoted", name\nof two lines.png'
    (scans / "000.png").rename(scans / strange)
    told = call("predict", trained, "scans", "--top", top, "--csv")
    assert told.code == 0
    rows = list(csv.DictReader(io.StringIO(told.stdout, newline="")))
    as_json = [
        json.loads(line)
        for line in call("predict", trained, "scans", "--top", top, "--json").stdout.splitlines()
    ]
    assert [row["image"] for row in rows] == [answer["image"] for answer in as_json]
    assert f"scans/{strange}" in {row["image"] for row in rows}
    assert len(rows[0]) == 1 + 2 * min(top, 10)
    for row, answer in zip(rows, as_json, strict=True):
        for place, guess in enumerate(answer["top"], 1):
            end = "" if place == 1 else f"_{place}"
            assert (row[f"class{end}"], float(row[f"probability{end}"])) == (
                guess["class"],
                guess["probability"],
            )


def test_csv_and_json_are_not_both_printed(call, trained, scans):
    assert call("predict", trained, "scans", "--csv", "--json").code == 2


def test_inverted_images_are_noted_and_invert_helps(call, trained, digits, tmp_path):
    (tmp_path / "paper").mkdir()
    for number, pixels in enumerate(digits.images[:60]):
        Image.fromarray(255 - pixels[..., 0]).save(tmp_path / "paper" / f"{number:02}.png")
    plain = call("predict", trained, "paper", "--json")
    assert "note: 60 of 60 images (paper/00.png …) are much brighter or darker than all" in plain.stderr
    assert "are black and white exchanged? Try it with --invert." in plain.stderr
    assert all(json.loads(line)["far_from_training"] for line in plain.stdout.splitlines())
    helped = call("predict", trained, "paper", "--json", "--invert")
    assert (helped.code, helped.stderr) == (0, "")
    right = [json.loads(line)["class"] for line in helped.stdout.splitlines()]
    expected = checkpoints.load_run(trained).outputs(digits.images[:60]).argmax(1)
    assert right == [str(number) for number in expected]
    alone = call("predict", trained, "paper/00.png")
    assert alone.stderr.startswith("note: paper/00.png is much brighter or darker than all that the network")


def test_classes_that_are_numbers_stand_in_quotes(call, trained, written):
    line = call("predict", trained, written[0], "--top", 2).stdout
    assert re.fullmatch(r'000\.png: "\d" [\d.]+%, "\d" [\d.]+%\n', line)


def test_evaluate_notes_inverted_images_too(call, trained, digits, tmp_path):
    np.savez(tmp_path / "paper", images=255 - digits.images[:50], labels=digits.labels[:50])
    assert (
        "50 of 50 images are much brighter or darker"
        in call("evaluate", trained, "--data", "paper.npz").stderr
    )
    assert call("evaluate", trained, "--split", "train").stderr == ""


def test_what_is_said_of_many_images_is_said_once(call, trained, tmp_path):
    for number in range(3):
        Image.fromarray(np.full((8, 8), 100 * number, np.uint16)).save(tmp_path / f"{number}.png")
        Image.new("LA", (8, 8), (0, 9)).save(tmp_path / f"see-through-{number}.png")
    lines = call("predict", trained, ".").stderr.splitlines()
    assert sum("transparent" in line for line in lines) == 1
    assert any("3 of 6 images: is transparent" in line for line in lines)
    assert any("3 of 6 images: is nearly all black" in line for line in lines), (
        "12 bits to a network for 8 are nearly black"
    )


def test_folders_of_folders_lead_on_and_pgm_is_an_image(call, trained, tmp_path):
    (tmp_path / "scans" / "a").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "scans" / "a" / "1.pgm")
    refused = call("predict", trained, "scans")
    assert refused.code == 1
    assert "'scans/*' goes into" in refused.stderr
    assert "recursive" not in refused.stderr
    assert "scans/a/1.pgm: " in call("predict", trained, "scans/*").stdout
