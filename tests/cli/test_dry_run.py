"""--dry-run: what would be written, without decoding or writing; it ends as the call itself."""

from __future__ import annotations

import json
import os

import numpy as np
import PIL.Image
import pytest

from convcli.filtering import original


@pytest.fixture
def photos(tmp_path, monkeypatch):
    (tmp_path / "p").mkdir()
    for name, shape in (("a.jpg", (5, 6, 3)), ("b.png", (7, 8))):
        PIL.Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "p" / name)

    def refused(*_, **__):
        raise AssertionError("an image is decoded")

    monkeypatch.setattr(original, "read", refused)
    return tmp_path


def everything(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_it_says_where_each_result_would_go_and_touches_nothing(call, photos):
    before = everything(photos)
    result = call("filter", "p", "-k", "sobel", "-k", "box", "--out-dir", "o/deep", "--dry-run")
    assert (result.code, result.stdout.splitlines()) == (
        0,
        [
            "p/a.jpg → o/deep/a_sobel.png  5 high, 6 wide",
            "p/a.jpg → o/deep/a_box.png  5 high, 6 wide",
            "p/b.png → o/deep/b_sobel.png  7 high, 8 wide",
            "p/b.png → o/deep/b_box.png  7 high, 8 wide",
        ],
    )
    assert result.stderr == "note: nothing is written with --dry-run; 4 of 4 would be\n"
    assert everything(photos) == before


def test_what_would_be_replaced_is_said_and_what_exists_is_refused_as_ever(call, photos):
    (photos / "p/b_box.png").write_bytes(b"")
    words = ("filter", "p/b.png", "-k", "box", "--dry-run")
    assert call(*words).stderr.startswith("error: p/b_box.png exists already; use --force")
    assert call(*words, "--force").stdout == "p/b.png → p/b_box.png  7 high, 8 wide  replaced\n"
    document = json.loads(call(*words, "--force", "--json").stdout)
    assert document == {"input": "p/b.png", "output": "p/b_box.png", "input_shape": [7, 8], "replaces": True}


@pytest.mark.parametrize(
    ("name", "data", "words", "found"),
    [
        ("c.png", b"", [], "p/c.png: expected an image, found nothing (0 bytes)."),
        ("c.png", b"some text", [], "p/c.png: expected an image"),
        (None, None, ["none.png"], "none.png: no such file."),
        (None, None, ["*.gif"], "*.gif: no such file, and none that it matches as a pattern."),
        (None, None, ["--max-pixels", "40"], "p/b.png: 7 × 8 pixels are more than the 40"),
    ],
)
def test_it_ends_as_the_call_itself_where_names_and_headers_tell(
    call, photos, monkeypatch, name, data, words, found
):
    if name is not None:
        (photos / "p" / name).write_bytes(data)
    batch = ("filter", "p", "-k", "box", "--out-dir", "o", *words)
    result = call(*batch, "--dry-run")
    assert result.code == 1
    assert result.stderr.startswith(f"error: {found}")
    going = call(*batch, "--keep-going", "--dry-run")
    assert going.code == 1
    assert "of 3 images could not" in going.stderr or "of 2 images could not" in going.stderr
    documents = [
        json.loads(line) for line in call(*batch, "--keep-going", "--dry-run", "--json").stdout.splitlines()
    ]
    assert sum("error" in document for document in documents) == 1
    monkeypatch.undo()
    monkeypatch.chdir(photos)
    itself = call(*batch)
    assert (itself.code, itself.stderr.splitlines()[-1]) == (result.code, result.stderr.splitlines()[-1])


def test_a_pipe_is_not_read(call, photos):
    os.mkfifo(photos / "pipe.png")
    result = call("filter", "pipe.png", "-k", "box", "--out-dir", "o", "--dry-run")
    assert (result.code, result.stdout) == (0, "pipe.png → o/pipe_box.png\n")


def test_frames_that_a_format_cannot_hold_or_that_are_not_there_are_refused_as_they_would_be(call, tmp_path):
    np.save(tmp_path / "s.npy", np.zeros((3, 20, 30), np.uint8))
    for words in (["--frames", "all", "-o", "x.jpg"], ["--frames", "9", "-o", "x.png"]):
        planned, made = (call("filter", "s.npy", "-k", "box", *words, *dry) for dry in (["--dry-run"], []))
        assert (planned.code, planned.stderr) == (made.code, made.stderr)
        assert made.code == 1
    fine = call("filter", "s.npy", "-k", "box", "--frames", "all", "-o", "x.png", "--dry-run")
    assert (fine.code, fine.stdout) == (0, "s.npy → x.png\n")  # rows and columns are those of the stack
