"""`convcli predict`: on image files, the same answers as evaluate on the same images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from convcli import build


@pytest.fixture(scope="module")
def digits(trained):
    """Return the test images of the run."""
    file = build.run_config(build.Run.open(trained))
    return build.load_data(file.config.data, file.base, 0).test


@pytest.fixture
def written(digits, tmp_path):
    """Return the names of the test images as PNG files."""
    for number, pixels in enumerate(digits.images):
        Image.fromarray(pixels[..., 0]).save(tmp_path / f"{number:03}.png")
    return [f"{number:03}.png" for number in range(len(digits))]


def test_files_get_the_classes_that_evaluate_counts(run, trained, digits, written):
    result = run("predict", trained, *written, "--json")
    assert (result.code, result.stderr) == (0, "")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == written
    named = np.array([int(answer["class"]) for answer in answers])

    np.testing.assert_array_equal(named, build.load_run(trained).outputs(digits.images).argmax(1))
    figures = json.loads(run("evaluate", trained, "--json").stdout)
    assert (named == digits.labels).mean() == figures["accuracy"]


def test_the_most_probable_classes_come_first(call, trained, digits, written):
    (line,) = call("predict", trained, written[0], "--top", 10, "--json").stdout.splitlines()
    top = json.loads(line)["top"]
    shares = [answer["probability"] for answer in top]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert sorted(answer["class"] for answer in top) == [str(number) for number in range(10)]
    expected = build.load_run(trained).predict(digits.images[:1])[0]
    np.testing.assert_allclose(shares, np.sort(expected)[::-1], rtol=1e-5)


def test_lines_for_a_person(run, trained, written):
    result = run("predict", trained, *written[:2], "--top", 2)
    assert result.code == 0
    for name, line in zip(written, result.stdout.splitlines(), strict=False):
        assert line.startswith(f"{name}: ")
        assert line.count("%") == 2


def test_images_of_another_size_and_mode_are_fitted(call, trained, digits, tmp_path):
    small = Image.fromarray(digits.images[3][..., 0])
    small.resize((40, 40), Image.Resampling.NEAREST).convert("RGB").save(tmp_path / "large.png")
    answer = json.loads(call("predict", trained, "large.png", "--json").stdout)
    assert answer["class"] == str(build.load_run(trained).outputs(digits.images[3:4]).argmax())


def test_a_file_that_cannot_be_read_is_one_error(call, trained, tmp_path):
    (tmp_path / "text.png").write_text("this is no image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for name in ("none.png", "text.png", "empty.png", "folder"):
        result = call("predict", trained, name)
        assert (result.code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"error: {name}: ")


def test_what_is_no_run_is_one_error(run):
    result = run("predict", "nowhere", "x.png")
    assert result.code == 1
    assert result.stderr.startswith("error: nowhere: not a run (there is no such folder).")
