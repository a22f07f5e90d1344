"""A run's own pictures, named by part and number as its report names them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.data import load_data
from convcli.errors import UsageError
from convcli.runs import checkpoints
from convcli.runs.folder import Run
from convcli.runs.pictures import OwnPictures, is_picture


@pytest.fixture(scope="module")
def model(trained):
    return checkpoints.load_run(trained)


@pytest.fixture(scope="module")
def data(trained):
    file = checkpoints.run_config(Run.open(trained))
    return load_data(file.config.data, file.base, file.config.training.seed)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_number_is_the_position_that_a_report_shows(trained, model, data, part):
    images = data.part(part)
    number = images.origin(5)
    found = OwnPictures(trained, model)[f"{part}:{number}"]
    np.testing.assert_array_equal(found.pixels, images.images[5])
    assert found.label == model.classes[images.labels[5]]
    assert found.notes == (f"{part}:{number} is of class {found.label}",)


@pytest.mark.long
def test_the_number_of_a_mistake_in_a_report_leads_to_what_the_report_says_of_it(call, trained, tmp_path):
    told = json.loads(call("report", trained, "--out-dir", "made", "--json").stdout)
    mistake = told["mistakes"]["surest"][0]
    name = f"{told['split']}:{mistake['image']}"
    answer = json.loads(call("predict", trained, name, "--json").stdout)
    assert answer["class"] == mistake["predicted"]
    assert answer["top"][0]["probability"] == pytest.approx(mistake["probability"])
    shown = call("explain", "network", "--run", trained, "--image", name, "--json", "-")
    assert f"{name} is of class {mistake['true']}" in shown.stderr
    assert json.loads(shown.stdout)["image"] == name
    assert f"--image {name}` shows one" in (tmp_path / "made" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test:999999", "the 359 test images have numbers from 0 to 358"),
        ("train:999999", "training images have numbers from 0 to"),
        ("val:3", "Unknown part of a run's pictures 'val'. Known: train, validation, test"),
        ("Test:3", "Did you mean 'test'?"),
        ("test:", "test:: expected the number of one of the 359 test images"),
        ("test:cat", "expected the number of one of the 359 test images, such as test:0"),
        ("test:-1", "expected the number"),
        ("test:1.5", "expected the number"),
    ],
)
def test_a_picture_that_is_not_there_is_refused_with_what_there_is(trained, model, name, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        OwnPictures(trained, model)[name]


def test_a_picture_of_the_other_part_is_said_to_be_there(trained, model, data):
    number = data.validation.origin(0)
    with pytest.raises(UsageError, match=rf"another part, validation:{number}; next to it here is train:\d+"):
        OwnPictures(trained, model)[f"train:{number}"]


def test_a_file_of_that_name_is_meant_before_a_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_picture("test:0")
    Image.new("L", (8, 8)).save("test:0", "PNG")
    assert not is_picture("test:0")
    assert [is_picture(name) for name in ("test.png", "C:test", "http://a/b.png", "C:/test:1")] == [False] * 4


def test_the_library_takes_the_same_names(trained, data):
    with pytest.warns(match="test:3 is of class"):
        shown = convcli.explain("network", run=trained, image="test:3")
    assert shown.data["image"] == "test:3"
    with pytest.raises(UsageError, match="one of a run's own: give the run's path as run"):
        convcli.explain("network", run=convcli.load_run(trained), image="test:3")


def test_pictures_of_class_folders_are_named_by_their_files(tmp_path):
    from convcli.data import Dataset
    from convcli.runs.pictures import _index

    files = [tmp_path / "cat" / "a.png", tmp_path / "dog" / "b.png"]
    images = Dataset(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]), ("cat", "dog"), str(tmp_path), files)
    assert [_index(images, "test", name) for name in ("dog/b.png", "1", "cat/a.png")] == [1, 1, 0]
    with pytest.raises(UsageError, match=r"expected the file or the number .* such as test:cat/a\.png"):
        _index(images, "test", "bird/c.png")
