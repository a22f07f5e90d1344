"""--name on the command line: where results lie, and which are refused before any work."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def photos(tmp_path):
    for name in ("x/a.png", "y/a.png"):
        (tmp_path / name).parent.mkdir()
        PIL.Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / name)
    return tmp_path


def made(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file())


def test_results_are_called_and_kept_in_folders_as_the_template_says(call, photos):
    words = ("filter", "x/a.png", "y/a.png", "-k", "box", "-k", "sobel", "--out-dir", "o")
    result = call(*words, "--name", "{kernel}/{parent}-{stem}.tif", "--json")
    assert (result.code, result.stderr) == (0, "")
    names = [f"{kernel}/{parent}-a.tif" for kernel in ("box", "sobel") for parent in "xy"]
    assert [name for name in made(photos / "o") if ".convcli" not in name] == names
    assert (photos / "o/box/x-a.tif").read_bytes()[:2] == b"II"
    again = call(*words, "--name", "{kernel}/{parent}-{stem}.tif", "--resume")
    assert again.stderr == "note: 4 of 4 results were finished already\n"


def test_without_a_folder_results_lie_beside_their_images(call, photos):
    assert call("filter", "x/a.png", "-k", "box", "--name", "soft {stem}{ext}").code == 0
    assert made(photos / "x") == ["a.png", "soft a.png"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--name", "{stem}{ext}", "--out-dir", "o"], "x/a.png and y/a.png would both be written to o/a.png"),
        (["--name", "{kernle}", "--out-dir", "o"], "there is no {kernle}. Did you mean '{kernel}'?"),
        (["--name", "{stem}/x.png"], "names folders; give --out-dir, where they are made"),
        (["--name", "{stem}", "--out-dir", "o"], "the file's ending must name an image format"),
        (["--name", "../{stem}.png", "--out-dir", "o"], "makes '../a.png' of x/a.png"),
        (["--name", "{name}"], "is an input, and an input is never overwritten"),
    ],
)
def test_what_cannot_be_called_so_is_refused_before_any_work(call, photos, words, found):
    result = call("filter", "x/a.png", "y/a.png", "-k", "box", "--force", *words)
    assert (result.code, result.stdout) == (2, "")
    assert found in result.stderr
    assert made(photos) == ["x/a.png", "y/a.png"]


def test_the_advice_tells_results_apart_where_folders_have_one_name_too(call, photos):
    (photos / "x").rename(photos / "in")
    (photos / "y").rename(photos / "in/in")
    command = ("filter", "in/a.png", "in/in/a.png", "-k", "box", "--out-dir", "o")
    advised = "{index}-{stem}_{kernel}{ext}"
    assert f"by --name, as {advised} does" in call(*command).stderr
    assert call(*command, "--name", advised).code == 0
    assert {"1-a_box.png", "2-a_box.png"} <= set(made(photos / "o"))
