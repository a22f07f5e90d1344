"""Names with wildcards: what they match, beside Python's own glob, and what they leave alone."""

from __future__ import annotations

import glob
import os

import pytest

from convcli.errors import InputError
from convcli.images.folders import images_named
from convcli.images.patterns import is_pattern, matching

FILES = (
    "a.jpg",
    "b.JPG",
    "p/a.jpg",
    "p/ab.jpg",
    "p/q/c.jpg",
    "p/q/r/d.png",
    "p/.h/e.jpg",
    "p/.f.jpg",
    "x [1]/g.jpg",
)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "pattern",
    [
        *("*.jpg", "*", "*/", "p/*.jpg", "p/?.jpg", "p/[!b]*.jpg", "*/q/*", "p/*/", "p/q/../*.jpg"),
        *("**/*.jpg", "p/**/*.jpg", "p/**", "**/q/**/*.png", "./p/*.jpg", "p/.*.jpg", "x [[]1]/*"),
    ],
)
def test_a_pattern_matches_what_pythons_glob_finds(tree, pattern):
    expected = {name.rstrip("/") for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207
    expected -= {"p"} if pattern == "p/**" else set()  # the folder itself, as glob has it, is no match of **
    assert matching(pattern) == sorted(expected)
    assert matching(f"{tree}/{pattern}") == sorted(f"{tree}/{name}" for name in expected)


def test_a_circle_of_links_ends(tree):
    (tree / "p/q/up").symlink_to(tree)
    (tree / "p/up").symlink_to(tree / "p")
    assert matching("**/*.png") == ["p/q/r/d.png"]
    assert matching("p/up/*.jpg") == ["p/up/a.jpg", "p/up/ab.jpg"]  # one that is named is followed


def test_a_file_that_is_called_so_is_meant_first(tree):
    assert is_pattern("p/a[b].jpg")
    (tree / "p/a[b].jpg").write_bytes(b"")
    assert not is_pattern("p/a[b].jpg")
    assert images_named(["p/a[b].jpg"], tell=print) == ["p/a[b].jpg"]


def test_no_match_is_an_error_that_names_the_pattern(tree):
    for pattern in ("none/*.jpg", "a.jpg/*", "none/**/*", "p/*.gif"):
        assert matching(pattern) == []
        with pytest.raises(InputError) as caught:
            images_named([pattern], tell=print)
        assert str(caught.value) == f"{pattern}: no such file, and none that it matches as a pattern."


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(tree):
    (tree / "p/q").chmod(0)
    with pytest.raises(InputError, match="p/q/: cannot be read"):
        matching("**/*.png")
    (tree / "p/q").chmod(0o700)
