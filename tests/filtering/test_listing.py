"""Which images a batch has: patterns, folders below them, and where their results lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcli.errors import InputError, UsageError
from convcli.filtering.listing import listed_images


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("t/a.png", "t/one/b.jpg", "t/one/two/c.png", "t/one/notes.txt", "t/made/a_sobel.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(listed):
    return [(source, str(folder)) for source, folder in listed]


def test_results_of_a_pattern_lie_side_by_side_and_mirror_the_tree_with_recursive(tree):
    told = []
    flat = listed_images(["t/one/**/*"], Path("o"), tell=told.append)
    assert names(flat) == [("t/one/b.jpg", "."), ("t/one/two/c.png", ".")]
    assert told == [
        "t/one/**/*: passed over 1 folder (two), 1 whose names do not end as those of image files"
    ]
    mirrored = listed_images(["t/**/*.png"], Path("t/made"), tell=told.append, recursive=True)
    assert names(mirrored) == [("t/a.png", "."), ("t/one/two/c.png", "one/two")]
    assert told[1:] == ["t/**/*.png: passed over 1 in t/made, where results go"]


def test_folders_that_a_pattern_matches_alone_stand_for_their_images(tree):
    assert names(listed_images(["t/on*/"], Path("o"), tell=print)) == [("t/one/b.jpg", ".")]
    deeper = listed_images(["t/on*"], Path("o"), tell=print, recursive=True)
    assert names(deeper) == [("t/one/b.jpg", "one"), ("t/one/two/c.png", "one/two")]
    with pytest.raises(UsageError, match="t/one is a folder; give --out-dir"):
        listed_images(["t/on*"], None, tell=print)


def test_results_alone_are_no_images_unless_they_are_looked_for(tree):
    with pytest.raises(InputError, match="matches nothing but what is in t/made, the results"):
        listed_images(["t/*/*_sobel.png"], Path("t/made"), tell=print)
    assert names(listed_images(["t/made/*.png"], Path("t/made"), tell=print)) == [("t/made/a_sobel.png", ".")]


def test_files_of_other_endings_are_taken_where_a_pattern_matches_no_others(tree):
    assert names(listed_images(["t/one/*.txt"], None, tell=print)) == [("t/one/notes.txt", ".")]


def test_what_has_brackets_and_is_there_is_no_pattern(tree):
    (tree / "t/a[1].png").write_bytes(b"")
    (tree / "t/[x]").mkdir()
    (tree / "t/[x]/b.png").write_bytes(b"")
    listed = listed_images(["t/a[1].png", "t/[x]"], Path("o"), tell=print)
    assert names(listed) == [("t/a[1].png", "."), ("t/[x]/b.png", ".")]
