"""Which images a batch has: patterns, folders below them, and where their results lie."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from convcli.errors import InputError, UsageError
from convcli.filtering.jobs import Ending, Listed, Saving, jobs_for
from convcli.filtering.listing import Listing

ENDINGS, SAVING = [Ending("sobel", ".png")], Saving(out_dir=Path("o"))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("t/a.png", "t/one/b.jpg", "t/one/two/c.png", "t/one/notes.txt", "t/made/a_sobel.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed_images(names, out_dir, *, tell, recursive=False):
    return [image for images in Listing(out_dir, recursive, tell).folders(names) for image in images]


def names(listed):
    return [(source, str(folder)) for source, folder, _ in listed]


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


def streamed(images, out_dir="o", **how):
    how = {"recursive": True, "tell": print, **how}
    return [names(folder) for folder in Listing(out_dir and Path(out_dir), **how).folders(images)]


def test_folders_are_walked_together_so_that_all_of_one_folder_for_results_come_at_once(tree):
    for name in ("u/z.png", "u/one/b.png", "u/one/two/x.png", "u/only/y.png"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"")
    assert streamed(["u", "t/one/b.jpg", "t"], "t/made") == [
        [("u/z.png", "."), ("t/one/b.jpg", "."), ("t/a.png", ".")],
        [("u/one/b.png", "one"), ("t/one/b.jpg", "one")],
        [("u/one/two/x.png", "one/two"), ("t/one/two/c.png", "one/two")],
        [("u/only/y.png", "only")],
    ]
    told = []
    jobs = list(
        jobs_for(Listing(Path("t/made"), True, print).folders(["u", "t"]), ENDINGS, SAVING, tell=told.append)
    )
    assert [str(target.target) for _, (target,) in jobs] == [
        "o/z_sobel.png",
        "o/a_sobel.png",
        "o/one/b.png_sobel.png",
        "o/one/b.jpg_sobel.png",
        "o/one/two/x_sobel.png",
        "o/one/two/c_sobel.png",
        "o/only/y_sobel.png",
    ]
    (said,) = told
    assert said.startswith("2 images differ from another in nothing but the ending (b.png, b.jpg), ")


def test_a_pattern_beside_whose_images_results_go_comes_folder_by_folder(tree):
    assert streamed(["t/**/*.png", "t/one/b.jpg"], None, recursive=False) == [
        [("t/a.png", ".")],
        [("t/made/a_sobel.png", ".")],
        [("t/one/b.jpg", ".")],
        [("t/one/two/c.png", ".")],
    ]


def test_numbers_go_on_from_folder_to_folder(tree):
    saving = Saving(out_dir=Path("o"), name="{index:02}{ext}")
    folders = Listing(Path("t/made"), True, print).folders(["t"])
    assert [str(one.target) for _, (one,) in jobs_for(folders, ENDINGS, saving, tell=print)] == [
        "o/01.png",
        "o/one/02.png",
        "o/one/two/03.png",
    ]


def test_names_that_collide_by_way_of_a_whole_name_are_found_among_many(tree):
    listed = [Listed(f"{n}.png", Path()) for n in range(3000)]
    listed += [Listed(name, Path()) for name in ("A.jpg", "a.png", "a.PNG.tif", "é.png", "e\u0301.jpg")]
    names = [str(one.target) for _, (one,) in jobs_for([listed], ENDINGS, SAVING, tell=print)][-5:]
    assert names == [
        "o/A.jpg_sobel.png",
        "o/a.png_sobel.png",
        "o/a.PNG.tif_sobel.png",
        "o/é.png_sobel.png",
        "o/e\u0301.jpg_sobel.png",
    ]


def test_names_are_held_of_one_folder_at_a_time(tree):
    for n in range(40):
        (tree / f"many/{n:02}").mkdir(parents=True)
        for k in range(50):
            (tree / f"many/{n:02}/{k:02}.png").write_bytes(b"")
    tracemalloc.start()
    count = sum(
        1 for _ in jobs_for(Listing(Path("o"), True, print).folders(["many"]), ENDINGS, SAVING, tell=print)
    )
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2000
    assert most < 100_000  # 50 bytes a name of all would be as much


def test_what_is_no_file_is_passed_over_in_folders_and_patterns_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")
    for name, leads in (("lost.png", "nowhere.png"), ("round.png", "again.png"), ("again.png", "round.png")):
        (tmp_path / name).symlink_to(leads)
    for name, said in (
        (".", ".: 4 passed over (again.png, lost.png, pipe.png, …): pipes, or links to no file"),
        ("*.png", "*.png: passed over 4 that are pipes, or links to no file"),
    ):
        told = []
        listed = listed_images([name], tmp_path / "out", tell=told.append)
        assert [Path(one.source).name for one in listed] == ["a.png"]
        assert told == [said]
